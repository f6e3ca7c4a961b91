"""Metrics that are the mean of one number a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def as_sums(scores: Sequence[float]) -> NDArray[np.float64]:
    """Return sufficient statistics of a mean, shape (n, 2): the score, and 1."""
    import numpy as np

    column = np.asarray(scores, dtype=np.float64)
    return np.stack([column, np.ones_like(column)], axis=-1)


def mean(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of sums made by `as_sums`, shape (..., 2) -> (...)."""
    return sums[..., 0] / sums[..., 1]
