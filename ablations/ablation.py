"""What the ablations share: a model and data, a folder that continues where it was, and what is written to it.

Each ablation is a module with ``main(ablation) -> Comparison``; ``tts ablate NAME`` runs it.
"""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from torch import Tensor

from tts._util.files import write_atomic
from tts._util.tables import Table
from tts.datasets import Dataset
from tts.evaluation import Comparison, compare, rollout_curves, run_of
from tts.interfaces import Codec, RecursiveModel, Selector, Strategy, device_of
from tts.metrics import Curve
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
        model, dataset: what is searched.
        labels: int [B, L], the right answers in the model's tokens.
        k, depth: of the searches; where compute is held equal, k * depth lane-steps a puzzle.
        seeds: each search runs once with each.
        noise: what strategies are held against, and what carries those that need noise.
    """

    name: str
    folder: Path
    model: RecursiveModel
    dataset: Dataset
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
        dataset: Dataset,
        *,
        k: int = 16,
        depth: int = 16,
        seeds: tuple[int, ...] = (0,),
        noise: GaussianNoise | None = None,
        command: str = "",
    ) -> Ablation:
        """Make the folder, or continue it. It holds ``meta.json``, ``command.txt`` and what is saved.

        Raises:
            StoreError: the folder is another ablation's; the sentence says what differs.
            PuzzleError: the data does not fit the model, or has no labels.
        """
        dataset.check(model)
        labels, noise = dataset.labels(model.codec), noise or GaussianNoise(0.5, ("y", "z"))
        source = PuzzleQueue(model.codec, dataset.puzzles, dataset.ids, None)
        run = {
            "ablation": name,
            "k": k,
            "depth": depth,
            "seeds": seeds,
            "noise": describe(noise, "noise"),
            "model": describe(model, "model"),
            "data": {"name": dataset.name, **describe_data(source, labels, dataset.ignore)},
        }
        claim(folder / MANIFEST, run, {"givens": _givens(dataset), "device": device_of(model).type})
        write_atomic(folder / COMMAND, f"{command}\n".encode())
        return Ablation(
            name=name,
            folder=folder,
            model=model,
            dataset=dataset,
            labels=labels,
            k=k,
            depth=depth,
            seeds=seeds,
            noise=noise,
        )

    @property
    def budget(self) -> int:
        """Lane-steps a puzzle, where compute is held equal."""
        return self.k * self.depth

    @property
    def symmetric(self) -> bool:
        """Whether the model's codec has views of a puzzle."""
        return type(self.model.codec).views is not Codec.views

    def search(self, strategy: Strategy | None = None, selector: Selector | None = None, **more: Any) -> Search:
        """Return a search with the ablation's noise, Q, k and depth, unless told otherwise."""
        options = {"k": self.k, "depth": self.depth, **more}
        return Search(self.model, strategy or self.noise, selector or QSelector(), **options)

    def compare(self, searches: dict[str, Search], budget: int | None = None) -> Comparison:
        """Run the searches, or read what they brought; the first is what the others are held against."""
        return compare(self.model, self.dataset, searches, self.seeds, budget, out=self.folder / STORE)

    def result(self, search: Search, seed: int | None = None) -> Result:
        """Return what a search brought with a seed, by default the first; run where no comparison has."""
        run = run_of(self.folder / STORE, search, self.dataset, self.seeds[0] if seed is None else seed)
        run.fill(self.name)
        return choose(search.selector, run.result())

    def curves(self, search: Search) -> dict[str, Curve]:
        """Return accuracy against k of a search with the first seed, see ``rollout_curves``."""
        return rollout_curves(self.result(search), self.labels, ignore=self.dataset.ignore)

    def save(self, comparison: Comparison, about: str) -> None:
        """Write ``table.csv`` and ``table.md``."""
        comparison.save(self.folder / "table.csv")
        command = (self.folder / COMMAND).read_text().strip()
        self.write("table.md", f"# {self.name}\n\n{about}\n\n{comparison.markdown()}\n    {command}\n")

    def save_table(self, name: str, table: Table, about: str) -> None:
        """Write another table as ``name``.csv and ``name``.md."""
        self.write(f"{name}.csv", table.csv())
        self.write(f"{name}.md", f"# {self.name}: {name}\n\n{about}\n\n{table.markdown()}")

    def write(self, name: str, text: str) -> None:
        """Write a text file, whole or not at all."""
        write_atomic(self.folder / name, text.encode())

    def draw(self, name: str, figure: Figure) -> None:
        """Write a picture as ``name``.png."""
        content = io.BytesIO()
        figure.savefig(content, format="png")
        write_atomic(self.folder / f"{name}.png", content.getbuffer())


def _givens(dataset: Dataset) -> dict[str, int]:
    """Count the puzzles of each number of givens; empty where the data is tokens."""
    counts = Counter(int(board.held().sum()) for board in dataset.boards or ())
    return {str(number): counts[number] for number in sorted(counts)}
