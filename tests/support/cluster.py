"""A Ray of two cores for tests, and what the tests of many workers share."""

from __future__ import annotations

import logging
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import ray
import torch
from torch import Tensor

from support.models import Wanderer, random_tokens
from support.runs import NOISE
from tts import Dataset, QSelector, Search, State, Store

TOKENS = random_tokens(40, 3)
DATA = Dataset("random", TOKENS)


@contextmanager
def two_cores() -> Iterator[Any]:
    """Ray on this machine, with room for two workers, which find the modules of the tests."""
    tests = Path(__file__).parents[1]
    with mock.patch.dict(os.environ, {"PYTHONPATH": os.pathsep.join([str(tests), str(tests / "runs")])}):
        ray.init(
            num_cpus=2,
            num_gpus=0,
            include_dashboard=False,
            logging_level=logging.ERROR,
            log_to_driver=False,
            object_store_memory=100 * 2**20,
            _system_config={"worker_niceness": 0},
        )
    try:
        yield ray
    finally:
        ray.shutdown()


def search(model: Wanderer | None = None, **more: Any) -> Search:
    """K 5, depth 4, unless told otherwise."""
    return Search(model or Wanderer(), **{"strategy": NOISE, "selector": QSelector(), "k": 5, "depth": 4, **more})


def alone(folder: Path, made: Search, data: Dataset | None = None, **more: Any) -> Store:
    """``DATA``, or other data, searched in this process, undisturbed, on one thread as workers have it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run = Store.open(folder, made, data or DATA, **{"shard": 7, **more})
    run.fill()
    torch.set_num_threads(threads)
    return run


class Mortal(Wanderer):
    """Brings trouble upon the worker that it lives in. A run does not know of it: it has no weights.

    Args:
        deaths: a folder of files named by numbers; at the so many-th step of its life a worker kills itself, without
            warning, and takes the file of that number away, so that it happens once.
        largest: bytes of a file that the worker can write.
        pause: seconds a step.
    """

    def __init__(self, deaths: Path | None = None, largest: int | None = None, pause: float = 0) -> None:
        super().__init__()
        self.deaths, self.largest, self.pause, self.age = deaths, largest, pause, 0

    def step(self, state: State, encoded: Tensor) -> State:
        time.sleep(self.pause)
        self.age += 1
        if self.largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest, self.largest))
        if self.deaths is not None and (self.deaths / str(self.age)).exists():
            (self.deaths / str(self.age)).unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(state, encoded)
