"""Choosing rows: the same ones for the same seed."""

from __future__ import annotations


def sample_indices(count: int, limit: int, seed: int) -> list[int]:
    """Choose at most `limit` of `count` rows without replacement, in ascending order.

    Parameters
    ----------
    count : int
        Rows there are.
    limit : int
        Rows wanted; all of them when there are no more.
    seed : int
        Of the `numpy.random.Generator`.
    """
    import numpy as np

    if count <= limit:
        return list(range(count))
    chosen = np.random.default_rng(seed).choice(count, size=limit, replace=False)
    return sorted(chosen.tolist())
