"""Batches of token rows: alike in length, padded on the side that the task needs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


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


def progress(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Pass `items` on, with a bar where somebody watches: a terminal or a notebook."""
    from tqdm import tqdm

    notebook = "ipykernel" in sys.modules
    quiet = not (sys.stderr.isatty() or notebook)
    # A notebook has stderr in red, which stays when the bar has gone.
    place = sys.stdout if notebook else sys.stderr
    with tqdm(total=total, desc=label, disable=quiet, leave=False, file=place) as bar:
        for item in items:
            yield item
            bar.update()
