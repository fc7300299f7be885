"""Everything that reads files of others: how to call it, and how to write a whole file for it."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import torch
import yaml
from safetensors.torch import save_file

import tts
from support.checkpoint_files import lightning, nested
from support.hostile_files import SMALLEST, small_weights
from support.official_folder import write_official
from tts.datasets import FOLDER, open_dataset
from tts.interfaces import TokenCodec
from tts.models import TRM

FIELDS = {name: getattr(SMALLEST, name) for name in ("H_cycles", "L_cycles", "num_heads", "pos_encodings")}
FIELDS |= {"puzzle_emb_len": 1, "seq_len": 16}


@attrs.frozen
class Loader:
    """A way into the package.

    Attributes:
        load: reads the file at a path.
        make: writes a whole file to a path, and what it needs beside it.
        file: what the file is called.
    """

    load: Callable[[Path], object]
    make: Callable[[Path], None]
    file: str

    def warm(self) -> None:
        """Import and initialise what loading a file would."""
        tts.load("sudoku-9x9")


def with_fields(path: Path) -> object:
    return tts.load(path, config=FIELDS)


def beside_weights(path: Path) -> object:
    """Loads the model beside a configuration."""
    return tts.load(path.parent / "model.pt")


def weights_and(write: Callable[[Path], object]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        torch.save(small_weights(), path.parent / "model.pt")
        write(path)

    return make


def read_all(path: Path) -> object:
    """Opens a data set, and looks at every row and label."""
    data = open_dataset(path)
    if isinstance(data.puzzles, torch.Tensor):
        return data.puzzles.long().sum(), data.labels(TokenCodec(4, 4, 6)), data.groups
    return [(board.tokens(), data.puzzles.solution(row)) for row, board in enumerate(data.puzzles)]


def read_folder(path: Path) -> object:
    return read_all(path.parent.parent)


def processed(path: Path) -> None:
    rows = np.random.default_rng(0).integers(1, 6, (7, 16))
    shutil.rmtree(path.parent.parent, ignore_errors=True)
    write_official(path.parent.parent, rows, rows, 6, examples=(3, 1, 3))


def lines() -> list[list[str]]:
    """Source, puzzle and solution of some sudokus."""
    found = (FOLDER / "sudoku_published.txt").read_text().splitlines()
    return [line.split() for line in found if not line.startswith("#")][:5]


def csv() -> str:
    return "\n".join(["source,question,answer,rating", *(",".join([*line, "7"]) for line in lines())])


def json_lines() -> list[str]:
    return [json.dumps({"url": puzzle, "solution": solution}) for _, puzzle, solution in lines()]


def pickle_alone(path: Path) -> None:
    torch.save(nested(small_weights(), "model."), path.parent / "whole.pt")
    with zipfile.ZipFile(path.parent / "whole.pt") as archive:
        path.write_bytes(archive.read("whole/data.pkl"))


def repacked(path: Path) -> object:
    """Puts a pickle into an archive that is whole, and loads that."""
    target = path.parent / "step_1"
    target.unlink(missing_ok=True)
    with zipfile.ZipFile(path.parent / "whole.pt") as archive, zipfile.ZipFile(target, "w") as packed:
        for record in archive.infolist():
            pickle = record.filename.endswith("data.pkl")
            packed.writestr(record.filename, path.read_bytes() if pickle else archive.read(record))
    return with_fields(target)


def header_alone(path: Path) -> None:
    save_file(small_weights(), path.parent / "whole.safetensors")
    whole = (path.parent / "whole.safetensors").read_bytes()
    path.write_bytes(whole[8 : 8 + int.from_bytes(whole[:8], "little")])


def reheaded(path: Path) -> object:
    """Puts a header before the tensors, its right length before it, and loads that."""
    whole = (path.parent / "whole.safetensors").read_bytes()
    data = whole[8 + int.from_bytes(whole[:8], "little") :]
    target = path.parent / "model.safetensors"
    target.unlink(missing_ok=True)
    target.write_bytes(path.stat().st_size.to_bytes(8, "little") + path.read_bytes() + data)
    return with_fields(target)


LOADERS = {
    "the pickle in a torch file": Loader(repacked, pickle_alone, "data.pkl"),
    "the header of a safetensors file": Loader(reheaded, header_alone, "header.json"),
    "torch": Loader(
        with_fields, lambda path: torch.save(nested(small_weights(), "_orig_mod.model.inner."), path), "step_1"
    ),
    "lightning": Loader(with_fields, lambda path: torch.save(lightning(small_weights()), path), "last.ckpt"),
    "safetensors": Loader(with_fields, lambda path: save_file(small_weights(), path), "model.safetensors"),
    "ours": Loader(tts.load, lambda path: tts.save(TRM(SMALLEST), path), "ours.safetensors"),
    "processed folder": Loader(read_folder, processed, "set/test/dataset.json"),
    "tokens": Loader(read_folder, processed, "set/test/all__inputs.npy"),
    "puzzle indices": Loader(read_folder, processed, "set/test/all__puzzle_indices.npy"),
    "csv": Loader(read_all, lambda path: path.write_text(csv()), "test.csv"),
    "json lines": Loader(read_all, lambda path: path.write_text("\n".join(json_lines())), "puzzles.jsonl"),
    "lines": Loader(read_all, lambda path: path.write_text("\n".join(map(" ".join, lines()))), "puzzles.txt"),
    "yaml": Loader(
        beside_weights, weights_and(lambda path: path.write_text(yaml.safe_dump({"arch": FIELDS}))), "all_config.yaml"
    ),
    "json": Loader(beside_weights, weights_and(lambda path: path.write_text(json.dumps(FIELDS))), "config.json"),
}
