"""Connected components of many boards at once: the only module that knows how they are found.

Boards lie in [H, W, N], the board axis last, so that every operation runs over contiguous boards.
"""

from __future__ import annotations

import torch
from torch import Tensor


def components(right: Tensor, below: Tensor) -> Tensor:
    """Label every cell with the smallest cell index of its component.

    Labels travel along whole rows and columns in running-minimum sweeps until nothing changes, so the number of rounds
    grows with the turns of the longest path, not with its length.

    Args:
        right: bool [H, W - 1, N], cell (y, x) is joined to (y, x + 1).
        below: bool [H - 1, W, N], cell (y, x) is joined to (y + 1, x).

    Returns:
        [H, W, N], int16 where the indices fit, else int32. A cell that is joined to none keeps its own index.
    """
    height, width, n = right.shape[0], below.shape[1], right.shape[2]
    dtype = torch.int16 if height * width <= torch.iinfo(torch.int16).max else torch.int32
    index = torch.arange(height * width, dtype=dtype, device=right.device)
    labels = index.view(height, width, 1).repeat(1, 1, n)
    # A label or-ed with all ones loses every comparison: nothing passes between cells that are not joined.
    gap_right, gap_below = ((~joined).to(dtype) * torch.iinfo(dtype).max for joined in (right, below))
    across, down = labels.new_empty((height, n)), labels.new_empty((width, n))
    forth = [(labels[:, x], gap_right[:, x], labels[:, x + 1], across) for x in range(width - 1)]
    forth += [(labels[y], gap_below[y], labels[y + 1], down) for y in range(height - 1)]
    back = [(target, gap, source, passed) for source, gap, target, passed in reversed(forth)]
    while True:
        before = labels.clone()
        for source, gap, target, passed in forth + back:
            torch.bitwise_or(source, gap, out=passed)
            torch.minimum(target, passed, out=target)
        if torch.equal(before, labels):
            return labels


def total(labels: Tensor, values: Tensor) -> Tensor:
    """The sum of ``values`` over each cell's component: [H, W, N] -> int32 [H, W, N]."""
    return _reduce(labels, values, "sum")


def largest(labels: Tensor, values: Tensor) -> Tensor:
    """The greatest of ``values`` in each cell's component: [H, W, N] of 0 or more -> int32 [H, W, N]."""
    return _reduce(labels, values, "amax")


def holding(labels: Tensor, mask: Tensor) -> Tensor:
    """The cells whose component holds a cell of ``mask``: bool [H, W, N] -> bool [H, W, N]."""
    return total(labels, mask) > 0


def severed(labels: Tensor, mask: Tensor) -> Tensor:
    """The cells of ``mask`` cut off from its largest area: bool [H, W, N] -> bool [H, W, N].

    Empty where ``mask`` is one area or none. Where several areas are the largest, all of them are cut off.

    Args:
        labels: of components of which each lies inside ``mask`` or outside it.
        mask: bool [H, W, N].
    """
    sizes = total(labels, mask)
    most = sizes.amax(dim=(0, 1))
    tied = (sizes == most).sum(dim=(0, 1)) > most
    return mask & ((sizes < most) | tied)


def _reduce(labels: Tensor, values: Tensor, how: str) -> Tensor:
    height, width, n = labels.shape
    index = labels.view(-1, n).long()
    out = torch.zeros((height * width, n), dtype=torch.int32, device=labels.device)
    out.scatter_reduce_(0, index, values.reshape(-1, n).int(), how)
    return out.gather(0, index).view(height, width, n)
