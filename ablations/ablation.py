"""What the ablations share: a model and data, a folder that goes on where it was, and what is written to it.

Each ablation is a module with ``main(ablation) -> Comparison``; ``tts ablate NAME`` runs it.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from torch import Tensor

from tts._util.files import write_atomic
from tts.datasets import Boards, Dataset, KnownBoards, Labelled, open_dataset, pencils_6x6, sudokus, sudokus_6x6
from tts.errors import PuzzleError
from tts.evaluation import Comparison, compare, kept
from tts.interfaces import Codec, RecursiveModel, Selector, Strategy, device_of
from tts.runs import claim, describe, describe_data
from tts.search import PuzzleQueue, Result, Search, choose
from tts.strategies import GaussianNoise, QSelector

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MANIFEST, COMMAND, STORE = "meta.json", "command.txt", "store"


@attrs.frozen(eq=False, kw_only=True)
class Ablation:
    """One ablation of one model on one set of puzzles; made by ``Ablation.open``.

    Attributes:
        name: of the ablation.
        folder: what it is written to.
        model, data: what is searched.
        labels: int [B, L], the right answers in the model's tokens.
        k, depth: of the searches; where compute is held equal, k * depth lane-steps a puzzle.
        seeds: each search runs once with each.
        noise: what strategies are held against, and what carries those that need noise.
    """

    name: str
    folder: Path
    model: RecursiveModel
    data: Dataset
    labels: Tensor
    k: int
    depth: int
    seeds: tuple[int, ...]
    noise: GaussianNoise

    @staticmethod
    def open(
        name: str,
        folder: Path,
        model: RecursiveModel,
        data: Dataset,
        *,
        k: int = 16,
        depth: int = 16,
        seeds: tuple[int, ...] = (0,),
        noise: GaussianNoise | None = None,
        command: str = "",
    ) -> Ablation:
        """Make the folder, or go on with it. It holds ``meta.json``, ``command.txt`` and what is saved.

        Raises:
            StoreError: the folder is another ablation's; the sentence says what differs.
            PuzzleError: the data does not fit the model, or has no labels.
        """
        data.check(model)
        labels, noise = data.labels(model.codec), noise or GaussianNoise(0.5, ("y", "z"))
        if labels is None:
            raise PuzzleError(f"{data.name} has no solutions, and an ablation needs them: add them, or take other data")
        made = Ablation(
            name=name, folder=folder, model=model, data=data, labels=labels, k=k, depth=depth, seeds=seeds, noise=noise
        )
        source = PuzzleQueue(model.codec, data.puzzles, data.ids, None)
        run = {
            "ablation": name,
            "k": k,
            "depth": depth,
            "seeds": seeds,
            "noise": describe(noise, "noise"),
            "model": describe(model, "model"),
            "data": {"name": data.name, **describe_data(source, labels, made.ignore)},
        }
        claim(folder / MANIFEST, run, {"givens": _givens(data), "device": device_of(model).type})
        write_atomic(folder / COMMAND, f"{command}\n".encode())
        return made

    @property
    def ignore(self) -> int:
        """The label of cells that may hold anything; -1 where there are none."""
        return -1 if self.data.ignore is None else self.data.ignore

    @property
    def budget(self) -> int:
        """Lane-steps a puzzle, where compute is held equal."""
        return self.k * self.depth

    @property
    def symmetric(self) -> bool:
        """Whether the model's codec has views of a puzzle."""
        return type(self.model.codec).views is not Codec.views

    def search(self, strategy: Strategy | None = None, selector: Selector | None = None, **more: Any) -> Search:
        """A search with the ablation's noise, Q, k and depth, unless told otherwise."""
        given = {"k": self.k, "depth": self.depth, **more}
        return Search(self.model, strategy or self.noise, selector or QSelector(), **given)

    def compare(self, searches: dict[str, Search], budget: int | None = None) -> Comparison:
        """Run the searches, or read what they brought; the first is what the others are held against."""
        return compare(
            self.model,
            self.data.puzzles,
            self.labels,
            searches,
            self.seeds,
            budget,
            ids=self.data.ids,
            ignore=self.ignore,
            out=self.folder / STORE,
        )

    def result(self, search: Search, seed: int | None = None) -> Result:
        """What a search brought with a seed, by default the first; run where no comparison has."""
        seed = self.seeds[0] if seed is None else seed
        data, out = self.data, self.folder / STORE
        run = kept(out, search, data.puzzles, self.labels, seed, ids=data.ids, ignore=self.ignore)
        run.fill(self.name)
        return choose(search.selector, run.result())

    def save(self, comparison: Comparison, about: str) -> None:
        """Write ``table.csv`` and ``table.md``."""
        comparison.save(self.folder / "table.csv")
        command = (self.folder / COMMAND).read_text().strip()
        self.write("table.md", f"# {self.name}\n\n{about}\n\n{comparison.markdown()}\n    {command}\n")

    def save_lines(self, name: str, lines: list[dict[str, str]], about: str) -> None:
        """Write another table, of lines with the same columns, as ``name``.csv and ``name``.md."""
        columns, text = list(lines[0]), io.StringIO()
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(lines)
        self.write(f"{name}.csv", text.getvalue())
        rows = [columns, [":--", *["--:"] * (len(columns) - 1)], *(line.values() for line in lines)]
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        self.write(f"{name}.md", f"# {self.name}: {name}\n\n{about}\n\n{table}\n\n95 % intervals over puzzles\n")

    def write(self, name: str, text: str) -> None:
        """Write a text file, whole or not at all."""
        write_atomic(self.folder / name, text.encode())

    def draw(self, name: str, figure: Figure) -> None:
        """Write a picture as ``name``.png."""
        content = io.BytesIO()
        figure.savefig(content, format="png")
        write_atomic(self.folder / f"{name}.png", content.getbuffer())


def data_of(name: str) -> Dataset:
    """Bundled puzzles by their name, or those of a file or folder.

    Raises:
        PuzzleError: there are none, or they cannot be read.
    """
    known: list[str] = []
    for bundle in (sudokus, lambda: {"sudoku6": sudokus_6x6()}, pencils_6x6):
        bundled = bundle()
        if name in bundled:
            return _known(name, bundled[name])
        known += bundled
    if not Path(name).exists():
        raise PuzzleError(f"no data {name!r}: it is no file, no folder and none of {', '.join(known)}")
    return open_dataset(name)


def _known(name: str, found: Labelled) -> Dataset:
    solutions = [board.grid(label) for board, label in zip(found.puzzles, found.labels.numpy(), strict=True)]
    return Dataset(name, KnownBoards(name, found.puzzles, tuple(solutions)))


def _givens(data: Dataset) -> dict[str, int]:
    """How many puzzles there are of each number of givens; empty where the data is tokens."""
    counts = Counter(int(board.held().sum()) for board in data.puzzles) if isinstance(data.puzzles, Boards) else {}
    return {str(number): counts[number] for number in sorted(counts)}
