"""One seed for every source of random numbers."""

from __future__ import annotations

import random

from ft_runtime.findings import finding, notify
from ft_runtime.imports import load

__all__ = ["seed_everything"]


def seed_everything(seed: int) -> int:
    """Seed Python, numpy and torch (the CPU and every GPU).

    Parameters
    ----------
    seed : int
        0 to 2**32 - 1, numpy's range.

    Returns
    -------
    int
        The seed.

    Notes
    -----
    Not seeded, and not needed here: the hash seed of Python, which is fixed when the process starts
    (nothing of ours depends on the order of a set), and generators that other code made before. On
    a CPU the same seed, data and versions give the same weights bit for bit. On a GPU a few kernels
    add in changing order; an info finding says so.
    """
    load("torch")
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        notify(finding("devices.not_exact", where="seed"))
    return seed
