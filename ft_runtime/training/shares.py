"""Which rows of an optimizer step are this process's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.tokens.prepared import IGNORED

SPARE = "ft_spare"
"""Marks a row that is trained on without loss, so that a process has something to do."""


def own_rows(place: int, size: int, rows: int) -> int:
    """Return how many rows of a batch are its own; the rest were filled up from the beginning.

    accelerate gives every process as many batches as the others, each of them full, and takes the
    rows that are missing at the end of an epoch from its beginning: they would count twice.

    Parameters
    ----------
    place : int
        Number of the batch in the epoch, over all processes.
    size : int
        Rows of a batch.
    rows : int
        Rows of the dataset.

    Examples
    --------
    >>> [own_rows(place, 4, 10) for place in range(4)]
    [4, 4, 2, 0]
    """
    return max(0, min(size, rows - place * size))


def spare_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a row without loss."""
    labels = row["labels"]
    masked = [IGNORED] * len(labels) if hasattr(labels, "__len__") else IGNORED
    return {**row, "labels": masked, SPARE: True}
