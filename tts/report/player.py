"""What the player shows: which puzzles, which rollouts, and every step of theirs, small enough for a page."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import attrs
import numpy as np
import torch
from numpy.typing import NDArray

from tts.interfaces import name_of
from tts.puzzles.drawing import MARGIN, SIDE, mark_svg
from tts.report.boards import Shapes, canvas_of
from tts.report.subject import Subject, started
from tts.search import Status
from tts.verifiers.failcodes import FAILCODES

KINDS = {
    "failure": "no rollout is right",
    "missed": "a rollout is right, another one was picked",
    "delayed success": "the picked rollout is right for good only after half of the depth",
    "quick success": "the picked rollout is right for good sooner",
    "success": "the picked rollout is right",
    "puzzle": "nothing says what is right",
}
"""Kinds of puzzles, in the order in which they are shown in turn."""


@attrs.frozen
class Choice:
    """A puzzle worth a look: its place in the result, and its kind."""

    puzzle: int
    kind: str


def choose_puzzles(subject: Subject, most: int) -> list[Choice]:
    """Choose up to ``most`` puzzles, kinds in turn: the latest delayed successes first, the quickest of the others.

    Recorded answers and labels tell whether a success was delayed; the notions are those of PTRM (arXiv 2605.19943,
    figure 3).
    """
    right, index = subject.right, subject.result.index
    if right is None:
        return [Choice(b, "puzzle") for b in range(min(most, len(index)))]
    solved, picked = right.any(dim=1).tolist(), right.gather(1, index[:, None])[:, 0].tolist()
    since, depth = _right_since(subject), int(subject.result.rollouts.steps.max())
    groups: dict[str, list[tuple[int, int]]] = {kind: [] for kind in KINDS}
    for b in range(len(index)):
        if not picked[b]:
            groups["missed" if solved[b] else "failure"].append((0, b))
        elif since is None:
            groups["success"].append((0, b))
        else:
            late = since[b] > depth / 2
            groups["delayed success" if late else "quick success"].append((-since[b] if late else since[b], b))
    turns = zip_longest(*([Choice(b, kind) for _, b in sorted(group)] for kind, group in groups.items()))
    return [choice for turn in turns for choice in turn if choice is not None][:most]


def _right_since(subject: Subject) -> list[int] | None:
    """Return the step, from 1, since which the picked rollout of each puzzle is right for good; depth + 1: never."""
    answers = subject.result.rollouts.record.get("answers")
    if answers is None or subject.labels is None:
        return None
    picked = torch.arange(len(answers)), subject.result.index
    counted = (subject.labels != subject.ignore)[:, None]
    right = ((answers[picked] == subject.labels[:, None]) | ~counted).all(dim=2)  # [B, depth]
    past = torch.arange(right.shape[1]) >= subject.result.rollouts.steps[picked][:, None]
    wrong = ~(right | past)
    return (wrong * torch.arange(1, wrong.shape[1] + 1)).amax(dim=1).add(1).tolist()


def player(subject: Subject, puzzles: int, rollouts: int) -> dict[str, Any] | None:
    """Return the player's data as plain values; None where there is nothing to show."""
    chosen = choose_puzzles(subject, puzzles)
    if not chosen or rollouts < 1:
        return None
    shapes = Shapes()
    packed = [_puzzle(subject, choice, rollouts, shapes) for choice in chosen]
    verifier = subject.result.verifier
    names = () if verifier is None else verifier.names
    return {
        "puzzles": packed,
        "shapes": shapes.drawn,
        "mark": mark_svg(),
        "side": SIDE,
        "margin": MARGIN,
        "rules": [FAILCODES.get(name, name) for name in names],
        "judge": subject.judge,
        "noise": None if subject.noise is None or subject.codec is None else name_of(subject.noise),
        "kinds": {choice.kind: KINDS[choice.kind] for choice in chosen},
        "steps": "answers" in subject.result.rollouts.record,
        "verifier": verifier is not None,
        "of": [len(subject.result.tokens), subject.result.scores.shape[1]],
    }


def _puzzle(subject: Subject, choice: Choice, most: int, shapes: Shapes) -> dict[str, Any]:
    b, result = choice.puzzle, subject.result
    shown = _rollouts(subject, b, most)
    tokens = result.tokens[b].numpy()
    canvas = canvas_of(tokens, subject.codec, None if subject.puzzles is None else subject.puzzles[b])
    answers, q = _steps(subject, b, shown)
    cells = answers.shape[2]
    frames, index = np.unique(answers.reshape(-1, cells), axis=0, return_inverse=True)
    label, labelled = _label(subject, b)
    arrays: dict[str, NDArray[Any]] = {
        "q": q.astype("<f4"),
        "frame": index.reshape(q.shape).astype("<u2" if len(frames) < 1 << 16 else "<u4"),
        "looks": canvas.looks(frames, shapes).astype("<u2"),
        "answers": frames[:, canvas.places].astype("<i4"),
        "label": label[canvas.places].astype("<i4"),
        "labelled": labelled[canvas.places].astype(np.uint8),
        **_rules(subject, tokens, frames, canvas.places),
    }
    layout, blob = pack(arrays)
    return {
        "number": b + 1,
        "kind": choice.kind,
        "title": canvas.title,
        "size": [canvas.height, canvas.width],
        "lines": canvas.lines,
        "depth": q.shape[1],
        "rollouts": [_rollout(subject, b, k) for k in shown],
        "solved": None if subject.right is None else [int(subject.right[b].sum()), int(started(result)[b].sum())],
        "labelled": bool(labelled.any()),
        "layout": layout,
        "blob": blob,
    }


def _rollouts(subject: Subject, b: int, most: int) -> list[int]:
    """Return up to ``most`` that ran, in order: the picked one, half right and half wrong as far as there are."""
    ran = started(subject.result)[b].nonzero()[:, 0].tolist()
    picked = int(subject.result.index[b])
    right = set() if subject.right is None else set(subject.right[b].nonzero()[:, 0].tolist())
    pairs = zip_longest((k for k in ran if k in right), (k for k in ran if k not in right))
    turns = [picked, *(k for pair in pairs for k in pair if k is not None and k != picked)]
    return sorted(turns[:most])


def _rollout(subject: Subject, b: int, k: int) -> dict[str, Any]:
    rollouts, valid = subject.result.rollouts, subject.result.verifier
    return {
        "number": k,
        "steps": int(rollouts.steps[b, k]),
        "status": Status(int(rollouts.status[b, k])).name.lower(),
        "picked": k == int(subject.result.index[b]),
        "right": None if subject.right is None else bool(subject.right[b, k]),
        "ruled": valid is not None,
    }


def _steps(subject: Subject, b: int, shown: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return answers [k, T, L] and q [k, T] after each step, the last one repeated. T is 1 without records."""
    rollouts, rows = subject.result.rollouts, torch.tensor(shown)
    answers, q = rollouts.answers[b, rows].long()[:, None], rollouts.q[b, rows][:, None]
    if "answers" not in rollouts.record:
        return answers.numpy(), q.float().numpy()
    taken = rollouts.steps[b, rows]
    depth = int(taken.max())
    step = torch.minimum(torch.arange(depth)[None], taken[:, None] - 1)
    each = rollouts.record["answers"][b, rows].long()
    answers = each.gather(1, step[:, :, None].expand(-1, -1, each.shape[2]))
    if "q" in rollouts.record:
        every = rollouts.record["q"][b, rows].float().gather(1, step)
    else:
        every = torch.where(step == taken[:, None] - 1, q.float(), torch.nan)
    return answers.numpy(), every.numpy()


def _label(subject: Subject, b: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the label [L], and which cells it speaks of: none where it is not known."""
    if subject.labels is not None:
        label = subject.labels[b].long().numpy()
        return label, label != subject.ignore
    if subject.correct is not None and bool(subject.correct[b].any()):
        # right rollouts are equal to the label of the run where it speaks: on all cells that they agree in, at most
        right = subject.result.rollouts.answers[b][subject.correct[b]].long().numpy()
        return right[0], (right == right[0]).all(axis=0)
    none = np.zeros(subject.result.tokens.shape[1], np.int64)
    return none, none.astype(np.bool_)


def _rules(
    subject: Subject, tokens: NDArray[np.int64], frames: NDArray[np.int64], places: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Return what each frame [L] breaks, and where noise on some cells alone acts before the step after it."""
    puzzles, answers = torch.from_numpy(tokens).expand(len(frames), -1), torch.from_numpy(frames)
    arrays: dict[str, NDArray[Any]] = {}
    if subject.result.verifier is not None:
        broken = subject.result.verifier.violations(puzzles, answers)
        arrays["broken"] = broken.cells.numpy()[:, places].astype(np.uint8)
        arrays["rules"] = broken.rules.numpy().astype(np.uint8)
    if subject.noise is not None and subject.codec is not None:
        hit = subject.noise.hit(subject.codec, puzzles, answers)
        arrays["noise"] = (hit > 0).numpy()[:, places].astype(np.uint8)
    return arrays


def pack(arrays: dict[str, NDArray[Any]]) -> tuple[list[tuple[str, str, int]], str]:
    """Return name, dtype and length of each array, widest first so that all are aligned, and a deflated base64 text."""
    ordered = sorted(arrays.items(), key=lambda item: -item[1].dtype.itemsize)
    layout = [(name, array.dtype.str[1:], array.size) for name, array in ordered]
    content = b"".join(array.tobytes() for _, array in ordered)
    return layout, base64.b64encode(zlib.compress(content)).decode()
