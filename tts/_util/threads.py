"""Threads that run torch operations side by side, each operation on one core.

Splitting every operation over the cores makes them wait for each other hundreds of times a step, which costs most where
other programs use the cores too. Here each thread has its own lanes and meets the others once a step.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import torch

_lock = threading.Lock()
_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}  # by process (a fork has no threads) and number of threads


def run_in_threads(task: Callable[[int], None], count: int) -> None:
    """Call ``task(0)`` to ``task(count - 1)``, each on one core, on as many threads as torch is set to use.

    Gradients are off in the tasks. What a task raises is raised when all are done.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        for index in range(count):
            task(index)
        return
    inference = torch.is_inference_mode_enabled()  # modes belong to a thread

    def run(index: int) -> None:
        with torch.inference_mode(inference), torch.no_grad():
            task(index)

    futures = [_pool(threads).submit(run, index) for index in range(count)]
    wait(futures)  # nothing goes on writing where the caller has given up
    for future in futures:
        future.result()


def _pool(threads: int) -> ThreadPoolExecutor:
    with _lock:
        key = os.getpid(), threads
        if key not in _pools:
            _pools[key] = _start(threads)
        return _pools[key]


def _start(threads: int) -> ThreadPoolExecutor:
    everyone = threading.Barrier(threads)
    pool = ThreadPoolExecutor(threads, "tts", _use_one_core)
    for future in [pool.submit(everyone.wait) for _ in range(threads)]:  # the barrier makes each start a thread
        future.result()
    torch.set_num_threads(threads)  # the setting of this thread never changed, but the default of later threads did
    return pool


def _use_one_core() -> None:
    torch.get_num_threads()  # a thread's first look adopts the default; the setting must come after it
    torch.set_num_threads(1)
