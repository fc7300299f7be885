"""What symmetries, shown cells, few steps at first and the loss bring: sudoku-6x6 with one of them changed each time.

python scripts/training_changes.py [--updates 2000] [--seeds 0 1] [--rows "1,000 puzzles" ...] [--out runs/changes]

One run a row and seed, of the same number of updates of 32 puzzles, tested on the 500 bundled ones in one rollout;
six minutes each on one core. An interrupted run is resumed when the script is called again; one that is done is tested.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from tts.metrics import wilson_interval
from tts.training import PRESETS, Group, Preset, Schedule, train
from tts.training.run import STATE

PRESET = PRESETS["sudoku-6x6"]
BASE = attrs.evolve(PRESET, settings=attrs.evolve(PRESET.settings, early_depth=None))
"""The preset, but with 16 steps from the beginning on: what the rows change."""


def few(group: Group) -> Group:
    """Return 1,000 of the puzzles, as many as TRM is trained on (arXiv 2510.04871)."""
    return group.first(1_000)


def still(group: Group) -> Group:
    """Return a group that shows each puzzle as it is, not drawn through a random symmetry."""
    return attrs.evolve(group, box=None)


def changed(*changes: Callable[[Group], Group], **settings: Any) -> Preset:
    """Return ``BASE`` with its training puzzles changed, and other settings."""

    def data(folder: Path) -> list[tuple[Group, Group]]:
        ((group, held),) = BASE.data(folder)
        for change in changes:
            group = change(group)
        return [(group, held)]

    return attrs.evolve(BASE, data=data, settings=attrs.evolve(BASE.settings, **settings))


ROWS = {
    "16 steps throughout": changed(),
    "the preset, at most 3 steps at the beginning": PRESET,
    "no shown cells": changed(reveal=(0.0, 0.0)),
    "shown cells, the same share throughout": changed(reveal=(0.3, 0.3)),
    "1,000 puzzles": changed(few),
    "1,000 puzzles, no symmetries": changed(few, still),
    "generalised cross-entropy, 0.5": changed(gce=0.5),
    "no symmetries": changed(still),
}


def solved(preset: Preset, seed: int, updates: int, out: Path, data: Path) -> str:
    """Train, unless that is done already; return the share of the test puzzles that one rollout solves, in words."""
    settings = attrs.evolve(preset.settings, seed=seed)
    resume = (out / STATE).exists()
    share = train(preset, out, Schedule(updates=updates), resume=resume, data=data, compiled=True, settings=settings)
    tested = len(preset.test_groups()[0])
    return wilson_interval(share["sudoku"] * tested, tested).percent()


def main() -> None:
    """Train what is missing, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--out", type=Path, default=Path("runs/changes"))
    args = parser.parse_args()
    print("| | seed | solved % of 500 |\n|---|---|---|")
    for seed in args.seeds:
        for name in args.rows:
            folder = args.out / f"{name.replace(' ', '-').replace(',', '')}-{seed}-{args.updates}"
            share = solved(ROWS[name], seed, args.updates, folder, args.out / "data")
            print(f"| {name} | {seed} | {share} |", flush=True)


if __name__ == "__main__":
    main()
