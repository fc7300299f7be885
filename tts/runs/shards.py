"""Shards: the results of consecutive puzzles as two Parquet files, and a note that says they are whole.

The note is written last and holds a hash of each file, so that a damaged file is known without being parsed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts._util.extras import require
from tts._util.files import write_atomic
from tts.interfaces import Verifier, device_of
from tts.runs.fingerprint import digest_of
from tts.search import Cost, Result, Rollouts, Search, Status

Table: TypeAlias = Any
"""A pyarrow table; pyarrow has no types."""

ROLLOUTS, PUZZLES, NOTES = "rollouts", "puzzles", "shards"
RECORDED = ("q", "residual", "answers")
"""Records that are stored; latents are too large."""
STATUSES = [status.name.lower().replace("_", " ") for status in Status if status != Status.RUNNING]


def arrow() -> Any:
    """Return pyarrow, or raise TTSError that says how to get it."""
    for part in ("pyarrow.compute", "pyarrow.parquet"):
        require(part, extra="store", user="the store")
    return require("pyarrow", extra="store", user="the store")


@attrs.frozen(eq=False)
class Shard:
    """Two tables, one row a rollout and one row a puzzle, and what they cost."""

    rollouts: Table
    puzzles: Table
    cost: Cost


def shard_of(result: Result, first: int, correct: Tensor | None) -> Shard:
    """Return a result as tables.

    Args:
        result: of n puzzles.
        first: the position of the first.
        correct: bool [n, K], which rollouts are right; None where that is not known.
    """
    pa, rollouts = arrow(), result.rollouts
    n, k = rollouts.q.shape
    positions = np.arange(first, first + n)
    record = {name: rollouts.record[name] for name in RECORDED if name in rollouts.record}
    marks = {} if correct is None else {"correct": correct}
    if result.verifier is not None:
        marks["verified"] = result.verified()
    picked = result.index[:, None]
    rollout_columns = {
        "puzzle": positions.repeat(k),
        "rollout": np.tile(np.arange(k, dtype=np.int32), n),
        "answer": _lists(rollouts.answers.flatten(0, 1)),
        "q": _flat(rollouts.q),
        "score": _flat(result.scores if result.scores.dtype == torch.float64 else result.scores.float()),
        "residual": _flat(rollouts.residual),
        "steps": _flat(rollouts.steps.int()),
        "status": pa.DictionaryArray.from_arrays(_flat(rollouts.status), STATUSES),
        **{name: _flat(mark) for name, mark in marks.items()},
        **{f"every_{name}": _lists(values.flatten(0, 1)) for name, values in record.items()},
    }
    puzzle_columns = {
        "puzzle": positions,
        "key": _flat(result.keys),
        "tokens": _lists(result.tokens.to(rollouts.answers.dtype)),
        "answer": _lists(result.answers.to(rollouts.answers.dtype)),
        "picked": _flat(result.index.int()),
        "winner": _flat(result.winner.int()),
        **{name: _flat(mark.gather(1, picked)) for name, mark in marks.items()},
        **({} if correct is None else {"passed": _flat(correct.any(dim=1))}),
        "lane_steps": _flat(rollouts.steps.sum(dim=1)),
        "seconds": np.full(n, result.cost.seconds / n),
    }
    return Shard(pa.table(rollout_columns), pa.table(puzzle_columns), result.cost)


def result_of(shard: Shard, search: Search) -> Result:
    """Return the result of ``search`` that a shard was made of."""
    dtype, device = next(search.model.parameters(), torch.empty(0)).dtype, device_of(search.model)
    return restored(shard, search.record, search.model.codec.verifier, search.exchangeable, dtype, device)


def restored(
    shard: Shard,
    record: Sequence[str],
    verifier: Verifier | None,
    exchangeable: bool,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Result:
    """Return the result that a shard was made of, where the search is not at hand; the caller adds what tables lack."""
    rollouts, puzzles = shard.rollouts, shard.puzzles
    n, k, cells = len(puzzles), len(rollouts) // len(puzzles), puzzles.schema.field("tokens").type.list_size

    def column(name: str, *shape: int) -> Tensor:
        return _values(rollouts[name]).reshape(n, k, *shape)

    status = arrow().compute.index_in(rollouts["status"], value_set=arrow().array(STATUSES))
    shapes = {name: (-1, cells) if name == "answers" else (-1,) for name in RECORDED}
    return Result(
        tokens=_values(puzzles["tokens"]).reshape(n, cells).long(),
        keys=_values(puzzles["key"]),
        answers=_values(puzzles["answer"]).reshape(n, cells).long(),
        index=_values(puzzles["picked"]).long(),
        scores=column("score"),
        winner=_values(puzzles["winner"]).long(),
        rollouts=Rollouts(
            answers=column("answer", cells),
            q=column("q"),
            residual=column("residual"),
            steps=column("steps").long(),
            status=_values(status).reshape(n, k).to(torch.int8),
            record={
                name: column(f"every_{name}", *shapes[name])
                for name in record
                if f"every_{name}" in rollouts.column_names
            },
        ),
        cost=shard.cost,
        dtype=dtype,
        device=torch.device(device),
        verifier=verifier,
        exchangeable=exchangeable,
    )


def save(shard: Shard, folder: Path, number: int, run: str) -> None:
    """Write a shard of the run with that digest. Each file appears whole or not at all, the note last."""
    digests = {}
    for kind, table in ((ROLLOUTS, shard.rollouts), (PUZZLES, shard.puzzles)):
        sink = arrow().BufferOutputStream()
        arrow().parquet.write_table(table, sink, compression="zstd")
        content = memoryview(sink.getvalue())
        digests[kind] = digest_of(content)
        write_atomic(_path(folder, kind, number), content)
    note = json.dumps({"run": run, **digests, "cost": attrs.asdict(shard.cost)})
    write_atomic(_path(folder, NOTES, number), f"{note}\n{digest_of(note.encode())}\n".encode())


def is_whole(folder: Path, number: int, run: str) -> bool:
    """Tell whether a shard of the run is there, each bit as it was written. Reads the files, parses none."""
    return _contents(folder, number, run) is not None


def load(folder: Path, number: int, run: str) -> Shard | None:
    """Read a shard of the run; None where it is missing or damaged."""
    files = _contents(folder, number, run)
    if files is None:
        return None
    contents, cost = files
    pa = arrow()
    tables = {kind: pa.parquet.read_table(pa.BufferReader(contents[kind])) for kind in (ROLLOUTS, PUZZLES)}
    return Shard(tables[ROLLOUTS], tables[PUZZLES], cost)


def make_folders(folder: Path) -> None:
    """Make the folders of the files of shards."""
    for kind in (ROLLOUTS, PUZZLES, NOTES):
        (folder / kind).mkdir(parents=True, exist_ok=True)


def sweep(folder: Path) -> None:
    """Delete what killed writers left behind. For when no shard is missing."""
    for kind in (ROLLOUTS, PUZZLES, NOTES):
        for path in (folder / kind).glob(".*.tmp"):
            path.unlink(missing_ok=True)


def _contents(folder: Path, number: int, run: str) -> tuple[dict[str, bytes], Cost] | None:
    try:
        note, seal = _path(folder, NOTES, number).read_bytes().splitlines()
        if digest_of(note).encode() != seal:
            return None
        said = json.loads(note)
        contents = {kind: _path(folder, kind, number).read_bytes() for kind in (ROLLOUTS, PUZZLES)}
    except (FileNotFoundError, ValueError):
        return None
    whole = said["run"] == run and all(digest_of(contents[kind]) == said[kind] for kind in contents)
    return (contents, Cost(**said["cost"])) if whole else None


def _path(folder: Path, kind: str, number: int) -> Path:
    return folder / kind / f"{number:06}.{'json' if kind == NOTES else 'parquet'}"


def _flat(values: Tensor) -> NDArray[Any]:
    flat: NDArray[Any] = values.detach().cpu().reshape(-1).numpy()
    return flat


def _lists(values: Tensor) -> Any:
    """Return [n, ...] as a column of n lists of fixed length."""
    rows = values.flatten(1)
    return arrow().FixedSizeListArray.from_arrays(_flat(rows), rows.shape[1])


def _values(column: Any) -> Tensor:
    """Return the numbers of a column, those of lists one after the other."""
    pa = arrow()
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_fixed_size_list(array.type):
        array = array.flatten()
    return torch.from_numpy(array.to_numpy(zero_copy_only=False).copy())
