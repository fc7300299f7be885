"""Mazes: any shortest path from start to goal is right."""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch
from torch import Tensor

from tts.verifiers.grid import GridVerifier, anywhere, illegal
from tts.verifiers.tokens import MAZE_GOAL, MAZE_OPEN, MAZE_PATH, MAZE_START, MAZE_WALL, PAD

_FAR = torch.iinfo(torch.int16).max


@attrs.frozen
class MazeVerifier(GridVerifier):
    """The marked cells join start and goal, and are no more than a shortest path needs.

    Maze-Hard (HRM, arXiv 2506.21734, section 3.1) labels name one of several shortest paths; here all of them count.
    """

    names: ClassVar[tuple[str, ...]] = ("pathBroken", "pathLong", "illegalCell")

    def marks(self, tokens: Tensor, answers: Tensor) -> list[Tensor]:
        """Return path and goal where the start does not reach them (the board, where it has not one start and one
        goal); marked cells that lie on no shortest path, or beside others as far from the start; illegal cells: bool
        [H, W, N] each.

        A set of cells that joins the two, lies on shortest paths and has one cell a distance is a shortest path.
        """
        board, start, goal = tokens != PAD, tokens == MAZE_START, tokens == MAZE_GOAL
        cells = tokens == MAZE_OPEN
        path = cells & (answers == MAZE_PATH)
        ends = (start.sum(dim=(0, 1)) == 1) & (goal.sum(dim=(0, 1)) == 1)
        from_start, to_goal = _fields(tokens)
        length = torch.where(goal, from_start, 0).amax(dim=(0, 1))
        within = path & (from_start + to_goal == length)
        used = path | start | goal
        return [
            (used & (distances(start, used) == _FAR)) | (board & ~ends),
            (path & ~within) | _crowded(within, from_start),
            illegal(
                tokens,
                answers,
                fillable=cells,
                filled=path | (answers == MAZE_OPEN),
                clues=(tokens == MAZE_WALL) | start | goal,
            ),
        ]


def distances(sources: Tensor, passable: Tensor) -> Tensor:
    """Return steps from the nearest source to every passable cell, by frontiers that grow on all boards at once.

    Args:
        sources: bool [H, W, N], inside ``passable``.
        passable: bool [H, W, N].

    Returns:
        int16 [H, W, N], the greatest int16 where no source is joined to the cell.
    """
    out = torch.full(passable.shape, _FAR, dtype=torch.int16, device=passable.device)
    out[sources] = 0
    frontier, free = sources, passable & ~sources
    for step in range(1, _FAR):
        grown = torch.zeros_like(frontier)
        grown[1:] |= frontier[:-1]
        grown[:-1] |= frontier[1:]
        grown[:, 1:] |= frontier[:, :-1]
        grown[:, :-1] |= frontier[:, 1:]
        frontier = grown & free
        if not bool(anywhere(frontier).any()):
            break
        free = free & ~frontier
        out = torch.where(frontier, step, out)
    return out


def _fields(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Return distances from the start and to the goal, int32 [H, W, N] each. Equal mazes side by side, as the rollouts
    of a puzzle are, are measured once.
    """
    fresh = torch.ones(tokens.shape[2], dtype=torch.bool, device=tokens.device)
    fresh[1:] = (tokens[:, :, 1:] != tokens[:, :, :-1]).flatten(0, 1).any(dim=0)
    kinds = tokens[:, :, fresh]
    n = kinds.shape[2]
    ends = torch.cat([kinds == MAZE_START, kinds == MAZE_GOAL], dim=2)
    passable = (kinds == MAZE_OPEN) | ends[:, :, :n] | ends[:, :, n:]
    both = distances(ends, passable.repeat(1, 1, 2)).int()
    which = fresh.cumsum(dim=0) - 1
    return both[:, :, :n][:, :, which], both[:, :, n:][:, :, which]


def _crowded(cells: Tensor, distance: Tensor) -> Tensor:
    """Return the cells that share their distance with another one: bool [H, W, N], int [H, W, N] -> bool [H, W, N]."""
    n = cells.shape[2]
    layer = torch.where(cells, distance, 0).view(-1, n).long()
    count = torch.zeros((len(layer) + 1, n), dtype=torch.int16, device=cells.device)
    count.scatter_add_(0, layer, cells.view(-1, n).to(torch.int16))
    return cells & (count.gather(0, layer) > 1).view_as(cells)
