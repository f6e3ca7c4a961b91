"""Batches of token rows: alike in length, padded on the side that the task needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch


def by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Group row indices into batches of similar length, the longest first.

    The longest batch comes first so that a lack of memory shows at once and not at the end. Ties
    keep the order of the rows, so that the grouping is the same every time.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def pad(
    rows: Sequence[Sequence[int]], value: int, side: Literal["left", "right"], device: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pad token rows to one length.

    Returns
    -------
    ids, mask : torch.Tensor of int64, shape (rows, longest)
        Tokens, and 1 where a token is real.
    """
    import torch

    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), value, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for index, row in enumerate(rows):
        span = slice(width - len(row), width) if side == "left" else slice(0, len(row))
        ids[index, span] = torch.tensor(list(row), dtype=torch.long)
        mask[index, span] = 1
    return ids.to(device), mask.to(device)
