"""Searches on many workers with Ray (extra ``ray``), here or on a cluster; killed, they continue where they were.

    from tts.runs import workers

    store = workers.run(search, open_dataset("data/sudoku-extreme"), "runs/extreme", workers=8)
    table = store.table("puzzles")

Each worker holds the search and one shard of puzzles at a time, and writes its own results to the run folder.
"""

from __future__ import annotations

import copy
import logging
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import torch
from torch import Tensor

from tts._util.extras import require
from tts.datasets import Dataset
from tts.errors import TTSError, first_line
from tts.interfaces import device_of
from tts.models import default_device
from tts.runs.job import Job
from tts.runs.shards import sweep
from tts.runs.store import Store
from tts.search import Search

RETRIES = 3
"""How often a shard is retried after its worker was killed."""
RESTARTS = 20
"""How often a worker is restarted; more, and it is the machine or the model that kills it."""


def run(
    search: Search,
    dataset: Dataset,
    out: str | os.PathLike[str],
    *,
    keys: Tensor | None = None,
    seed: int = 0,
    shard: int = 64,
    workers: int | None = None,
    gpus_per_worker: float | None = None,
) -> Store:
    """Search puzzles on many workers into a run folder; the same call continues with what is there.

    The rows are those of ``Store.fill`` in one process, whatever the number of workers.

    Args:
        search: its model may lie on any device; workers move their own copy to theirs.
        dataset, keys, seed, shard: as in ``Store.open``.
        out: the run folder, which all workers must see under this path.
        workers, gpus_per_worker: as in ``fill``.

    Returns:
        The store, complete: ``store.result()``, ``store.table()``.

    Raises:
        TTSError: as ``Store.open`` and ``fill``.
    """
    store = Store.open(out, search, dataset, keys=keys, seed=seed, shard=shard)
    fill(store, workers=workers, gpus_per_worker=gpus_per_worker)
    return store


def fill(
    store: Store, description: str = "search", *, workers: int | None = None, gpus_per_worker: float | None = None
) -> None:
    """Run what a store is missing on Ray's actors, with a progress bar in a terminal.

    Uses the Ray that this process is connected to; else the cluster that ``RAY_ADDRESS`` names or that runs on this
    machine; else starts one here and ends it after. A worker that dies is restarted, and its shard retried.

    Args:
        store: an opened run. Its folder must be seen by all workers under its path.
        workers: how many; never more than shards are missing. By default as many as the cluster has GPUs for, or a
            worker a core where none are used.
        gpus_per_worker: share of a GPU that each needs; by default 1 if the model lies on a GPU, else 0.

    Raises:
        TTSError: Ray is missing or cannot be reached, the cluster has no such GPUs, a search cannot be sent to workers,
            or a shard keeps killing its workers. And whatever the search and the store raise, from the first worker
            that does. All finished shards stay.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; give 1 or more, or None for all that there is room for")
    missing = store.missing()
    if missing:
        with connected() as ray:
            team = _Team.of(ray, store.search, workers, gpus_per_worker, len(missing))
            team.do(store, missing, description)
    sweep(store.folder)


@contextmanager
def connected() -> Iterator[Any]:
    """Yield Ray, connected to a cluster while the block runs; what was started for it is ended after.

    ``fill`` does this by itself; around several calls it starts Ray once.
    """
    ray = _ray()
    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise TTSError(f"Ray cannot be started or reached: {first_line(error)}; see RAY_ADDRESS") from error
    try:
        yield ray
    finally:
        ray.shutdown()


class _Worker:
    """An actor: loads the search once and does shard after shard.

    ``search`` is a reference in a list: so wrapped, Ray passes it on as it is. It comes with every call, so that a
    worker which was restarted has it, too.
    """

    def __init__(self, threads: int, on_gpu: bool) -> None:
        torch.set_num_threads(threads)
        self.device = default_device() if on_gpu else torch.device("cpu")
        self.search: Search | None = None

    def load(self, search: list[Any]) -> int:
        """Load the search and return 0: no puzzle is done yet."""
        self._loaded(search)
        return 0

    def do(self, search: list[Any], job: Job) -> int:
        """Do a shard and return how many puzzles it has."""
        if not job.done():
            loaded = self._loaded(search)
            job.write(loaded, job.compute(loaded))
        return len(job)

    def _loaded(self, search: list[Any]) -> Search:
        if self.search is None:
            self.search = pickle.loads(_ray().get(search[0]))
            self.search.model.to(self.device)
        return self.search


@attrs.frozen(eq=False)
class _Team:
    """Actors, of which some may still wait for room on the cluster.

    ``search`` is a list of one reference, which keeps the search in the object store.
    """

    ray: Any
    search: list[Any]
    actors: tuple[Any, ...]

    @classmethod
    def of(cls, ray: Any, search: Search, workers: int | None, gpus: float | None, most: int) -> _Team:
        gpus = float(device_of(search.model).type == "cuda") if gpus is None else gpus
        room = ray.cluster_resources()
        cores = int(room.get("CPU", 1))
        places = int(room.get("GPU", 0) / gpus) if gpus else cores
        if gpus and not places:
            raise TTSError(
                f"a worker needs {gpus:g} of a GPU and Ray finds {room.get('GPU', 0):g}; set gpus_per_worker to 0"
            )
        count = min(places if workers is None else workers, most)
        actor = ray.remote(_Worker).options(
            num_cpus=0 if gpus or count > cores else 1,
            num_gpus=gpus,
            max_restarts=RESTARTS,
            max_task_retries=RETRIES,
        )
        shared, threads = [ray.put(_sendable(search))], max(1, cores // count)
        return cls(ray, shared, tuple(actor.remote(threads, gpus > 0) for _ in range(count)))

    def do(self, store: Store, missing: list[int], description: str) -> None:
        """Do all shards; then, or where one fails, the actors are ended."""
        try:
            with store.progress(missing, description) as bar:
                for puzzles in self._done(store, missing):
                    bar.update(puzzles)
        except self.ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, TTSError):
                raise error.cause from error
            raise TTSError(f"a worker failed: {type(error.cause).__name__}: {first_line(error.cause)}") from error
        except self.ray.exceptions.RayError as error:
            raise TTSError(
                f"{store.folder}: a worker died again and again, before its first shard or over one; "
                f"the finished shards are safe. The last word: {str(error).strip().splitlines()[-1].strip():.200}"
            ) from error
        finally:
            for actor in self.actors:
                self.ray.kill(actor)

    def _done(self, store: Store, missing: list[int]) -> Iterator[int]:
        """Yield the sizes of shards as they are done. An actor joins when the cluster has found room for it, and leaves
        when nothing is left to begin, so that one which was driven from a lost machine finds room for its shard."""
        left, begun = len(missing), iter(missing)
        busy = {actor.load.remote(self.search): actor for actor in self.actors}
        while left:
            (done,), _ = self.ray.wait(list(busy))
            actor = busy.pop(done)
            if puzzles := self.ray.get(done):
                yield puzzles
                left -= 1
            shard = next(begun, None)
            if shard is None:
                self.ray.kill(actor)
            else:
                busy[actor.do.remote(self.search, store.job(shard))] = actor


def _sendable(search: Search) -> bytes:
    """Pickle the search with its model in main memory. TTSError where that cannot be done."""
    if device_of(search.model).type != "cpu":
        search = attrs.evolve(search, model=copy.deepcopy(search.model).cpu())
    try:
        sent: bytes = _ray().cloudpickle.dumps(search)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise TTSError(f"the search cannot be sent to workers: {first_line(error)}") from error
    return sent


def _ray() -> Any:
    """Return Ray, or raise TTSError that says how to get it."""
    return require("ray", extra="ray", user="a search by several workers")
