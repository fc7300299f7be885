"""train(): a preset for so many minutes or updates, with a log, evaluations and checkpoints; runs can be resumed."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from pathlib import Path

import attrs
import torch
from tqdm import tqdm

from tts.errors import TTSError
from tts.models import TRM, TwoLatentModel, load, save
from tts.search import Search
from tts.strategies import Identity, QSelector
from tts.training.examples import Group, Mixture
from tts.training.presets import Preset
from tts.training.trainer import Losses, Settings, Trainer, read_state, write_state
from tts.training.transplant import transplant

WATCHED = 512
"""The most held-out puzzles an evaluation takes, all groups together."""
STATE, MODEL, LOG, EVALUATIONS = "state.pt", "model.safetensors", "log.csv", "evaluations.csv"


@attrs.frozen(kw_only=True)
class Schedule:
    """When a run ends, and what it does on the way.

    Attributes:
        minutes, updates: of training, resumed runs added up; the schedules follow whichever is nearer to its end. With
            ``updates`` alone a run does not depend on the clock.
        log_every: updates a line of the log.
        evaluate_every: minutes between evaluations on held-out puzzles.
        save_every: minutes between checkpoints.
    """

    minutes: float | None = None
    updates: int | None = None
    log_every: int = 20
    evaluate_every: float = 2.0
    save_every: float = 3.0

    def __attrs_post_init__(self) -> None:
        if self.minutes is None and self.updates is None:
            raise TTSError("a training run needs an end: give minutes or updates")

    def progress(self, updates: int, seconds: float) -> float:
        """Return how much of the run is over, 0 to 1."""
        parts = (updates / self.updates if self.updates else 0.0, seconds / 60 / self.minutes if self.minutes else 0.0)
        return min(1.0, max(parts))


def train(
    preset: Preset,
    out: Path,
    schedule: Schedule,
    *,
    resume: bool = False,
    data: Path | None = None,
    compiled: bool = False,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    settings: Settings | None = None,
    start: str | None = None,
) -> dict[str, float]:
    """Train a preset, write everything to the folder ``out``, and test the averaged weights on bundled puzzles.

    ``state.pt`` holds all that the next update depends on; ``model.safetensors`` the averaged weights, as ``load``
    reads them; ``log.csv`` and ``evaluations.csv`` how it went.

    Args:
        resume: continue from ``state.pt``, which must be there; without it there must be none.
        data: folder of the training puzzles, ``out``/data unless given.
        compiled: compile the networks.
        device: to train on.
        dtype: of the matrix products, see ``Trainer``.
        settings: in place of the preset's.
        start: a model to begin with, as ``load`` takes it; the preset's start unless given. A resumed run has its own.

    Returns:
        the share of each group of test puzzles that is solved, in one rollout of ``depth`` steps.

    Raises:
        TTSError: ``out`` holds a run and ``resume`` is not set, or it is set and there is none; the model to begin with
            has other sizes.
    """
    preset = attrs.evolve(preset, start=start or preset.start)
    _check_folder(out, resume)
    out.mkdir(parents=True, exist_ok=True)
    pairs = preset.data(data or out / "data")
    chosen = settings or preset.settings
    examples = Mixture([train for train, _ in pairs])
    model = fresh_model(preset, chosen.seed).to(device)
    trainer = Trainer(model, examples, chosen, compiled=compiled, dtype=dtype)
    watched = [held.first(WATCHED // len(pairs)) for _, held in pairs]
    run = Run(preset, trainer, out, schedule, watched)
    if resume:
        run.restore()
    run.go()
    return evaluate(trainer.average, preset.test_groups(), chosen.depth)


def evaluate(model: TwoLatentModel, groups: Sequence[Group], depth: int = 16) -> dict[str, float]:
    """Return the share of each group that one rollout without noise solves."""
    search = Search(model, Identity(), QSelector(), k=1, depth=depth)
    solved = {}
    for group in groups:
        result = search(group.tokens.long(), ids=torch.full((len(group),), group.identifier))
        correct = result.rollouts.correct(group.labels.long().to(result.answers.device))
        solved[group.name] = float(correct.float().mean())
    return solved


def _check_folder(out: Path, resume: bool) -> None:
    """Raise unless there is a run to resume, or none to write over."""
    exists = (out / STATE).exists()
    if exists and not resume:
        raise TTSError(f"{out} holds a run already; resume it, or give another folder")
    if resume and not exists:
        raise TTSError(f"{out} holds no run to resume: there is no {STATE}; start one without resume")


def fresh_model(preset: Preset, seed: int) -> TwoLatentModel:
    """Return the model that a run of a preset begins with.

    Raises:
        TTSError: the weights of ``preset.start`` do not fit.
    """
    model = TRM(preset.config, preset.codec, seed=seed)
    if preset.prepare:
        preset.prepare(model)
    if preset.start:
        try:
            transplant(load(preset.start), model)
        except TTSError as error:
            raise TTSError(f"{preset.start} cannot begin a run of {preset.name}: {error}") from error
    return model


class Run:
    """A trainer with its files."""

    def __init__(self, preset: Preset, trainer: Trainer, out: Path, schedule: Schedule, held: Sequence[Group]) -> None:
        self.preset = preset
        self.trainer = trainer
        self.out = out
        self.schedule = schedule
        self.held = held
        self.seconds = 0.0

    def go(self) -> None:
        """Train until the schedule's end; an interruption saves first."""
        schedule, trainer = self.schedule, self.trainer
        saved = evaluated = self.seconds / 60
        recent: list[Losses] = []
        bar = tqdm(total=schedule.updates, initial=trainer.updates, desc=self.preset.name, unit="update", disable=None)
        try:
            while (progress := schedule.progress(trainer.updates, self.seconds)) < 1:
                begin = time.monotonic()
                recent.append(trainer.update(progress))
                bar.update()
                if trainer.updates % schedule.log_every == 0:
                    bar.set_postfix(self._log(recent, progress))
                    recent.clear()
                self.seconds += time.monotonic() - begin
                if self.seconds / 60 - evaluated >= schedule.evaluate_every:
                    evaluated = self.seconds / 60
                    self._evaluate()
                if self.seconds / 60 - saved >= schedule.save_every:
                    saved = self.seconds / 60
                    self.save()
            self._evaluate()
        finally:
            bar.close()
            self.save()

    def save(self) -> None:
        """Write the state and the averaged weights."""
        write_state(self.trainer.state() | {"seconds": self.seconds, "preset": self.preset.name}, self.out / STATE)
        notes = {
            "preset": self.preset.name,
            "updates": str(self.trainer.updates),
            "minutes": f"{self.seconds / 60:.1f}",
        }
        save(self.trainer.average, self.out / MODEL, notes=notes)

    def restore(self) -> None:
        """Read the state.

        Raises:
            TTSError: it is damaged, or of another preset or model.
        """
        state = read_state(self.out / STATE)
        if state.get("preset") != self.preset.name:
            raise TTSError(f"{self.out / STATE} is a run of {state.get('preset')}, not of {self.preset.name}")
        try:
            self.trainer.restore(state)
        except RuntimeError as error:  # torch: other parameters than this model's
            raise TTSError(
                f"{self.out / STATE} is a run of a model of other sizes than {self.preset.name} has now; begin again"
            ) from error
        self.seconds = state["seconds"]

    def _log(self, recent: Sequence[Losses], progress: float) -> dict[str, str]:
        ended = sum(losses.ended for losses in recent)
        row = {
            "update": str(self.trainer.updates),
            "minutes": f"{self.seconds / 60:.2f}",
            "rate": f"{self.trainer.settings.rate(self.trainer.updates, progress):.2e}",
            "loss": f"{sum(losses.loss for losses in recent) / len(recent):.4f}",
            "cells": f"{sum(losses.cells for losses in recent) / len(recent):.4f}",
            "solved": f"{sum(losses.solved for losses in recent) / max(1, ended):.4f}",
            "steps": f"{len(recent) * self.trainer.settings.batch / max(1, ended):.2f}",
        }
        _append(self.out / LOG, row)
        return {name: row[name] for name in ("loss", "cells", "solved")}

    def _evaluate(self) -> None:
        """Log and print the share of each group of held-out puzzles that the averaged weights solve."""
        solved = evaluate(self.trainer.average, self.held, self.trainer.settings.depth)
        mean = sum(solved.values()) / len(solved)
        row = {"update": str(self.trainer.updates), "minutes": f"{self.seconds / 60:.2f}", "mean": f"{mean:.4f}"}
        _append(self.out / EVALUATIONS, row | {name: f"{share:.4f}" for name, share in solved.items()})
        shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in solved.items())
        tqdm.write(f"{self.seconds / 60:6.1f} min, update {self.trainer.updates}: held out, {shares}")


def _append(path: Path, row: dict[str, str]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
