"""Loads each file in a process of its own, with little room, and says what came of it.

    python hostile_probe.py LOADER FILE...

prints a line of JSON for each file: the error's class, whether it is ours, what it said, the memory that the process
gained, in MiB, and the seconds it took.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path

import torch

import tts
from support.loaders import LOADERS

ROOM = 2**28  # of address space beyond the file's own size


def memory(kind: str) -> int:
    """VmSize, VmRSS or VmHWM of this process, in bytes."""
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith(kind))


def probe(loader: str, path: Path) -> dict[str, object]:
    limit = memory("VmSize") + path.stat().st_size + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    before, start = memory("VmRSS"), time.perf_counter()
    found: dict[str, object] = {"kind": "", "ours": False, "said": ""}
    try:
        LOADERS[loader].load(path)
    except Exception as error:
        trace = "" if isinstance(error, tts.TTSError) else traceback.format_exc()
        found = {"kind": type(error).__name__, "ours": isinstance(error, tts.TTSError), "said": str(error) + trace}
    return found | {"gained": (memory("VmHWM") - before) / 2**20, "seconds": time.perf_counter() - start}


def main(loader: str, *files: str) -> None:
    torch.set_num_threads(1)
    LOADERS[loader].warm()
    for file in files:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, json.dumps(probe(loader, Path(file))).encode()[:60_000])
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answer:
            said = answer.read()
        _, status = os.waitpid(child, 0)
        print(
            said or json.dumps({"kind": f"ended with {status}", "ours": False, "said": "", "gained": 0, "seconds": 0})
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
