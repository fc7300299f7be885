"""A Ray of two cores for tests, and what the tests of many workers share."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import ray
import torch
from runs import NOISE
from small_models import Wanderer, random_tokens

from tts import QSelector, Search, Store

TOKENS = random_tokens(40, 3)


@contextmanager
def two_cores() -> Iterator[Any]:
    """Ray on this machine, with room for two workers, which find the modules beside this one."""
    with mock.patch.dict(os.environ, {"PYTHONPATH": str(Path(__file__).parent)}):
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


def alone(folder: Path, made: Search, **more: Any) -> Store:
    """``TOKENS`` searched in this process, undisturbed, on one thread as workers have it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run = Store.open(folder, made, TOKENS, **{"shard": 7, **more})
    run.fill()
    torch.set_num_threads(threads)
    return run
