"""Drawing rows exactly as `ft_runtime.data.strategies` does, without an order of all of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 1 << 16
_BINS = 1 << 16
_FEW = 1 << 11  # below, to hand over the state takes longer than to draw


def drawn(count: int, chance: random.Random, first: int | None = None) -> NDArray[Any]:
    """Return the order in which `count` rows are drawn, or its beginning.

    Each row gets a number from the chance, and the rows are sorted by it. Where only the first are
    wanted, those with small numbers alone are kept and sorted.

    Parameters
    ----------
    count : int
    chance : random.Random
        Gives `count` numbers, in either case.
    first : int, optional
        How many of the order.
    """
    import numpy as np

    if first is None or first * 3 >= count or count <= _CHUNK:
        order: NDArray[Any] = np.argsort(np.concatenate([*_numbers(count, chance)]), kind="stable")
        return order[:first]
    before = chance.getstate()
    bins: NDArray[Any] = np.zeros(_BINS, np.int64)
    for numbers in _numbers(count, chance):
        bins += np.bincount((numbers * _BINS).astype(np.int64), minlength=_BINS)
    limit = (int(np.searchsorted(np.cumsum(bins), first)) + 1) / _BINS
    chance.setstate(before)
    rows: list[Any] = []
    keys: list[Any] = []
    for start, numbers in enumerate(_numbers(count, chance)):
        at = np.flatnonzero(numbers < limit)
        rows.append((at + start * _CHUNK).astype(np.uint32))
        keys.append(numbers[at])
    order = np.argsort(np.concatenate(keys), kind="stable")[:first]
    return np.concatenate(rows)[order]


def _numbers(count: int, chance: random.Random) -> Iterator[NDArray[Any]]:
    """Yield the next `count` numbers of ``chance.random()``, many at once.

    Python and numpy's `RandomState` have the same generator (MT19937) and make doubles of it in the
    same way; a test holds them together.
    """
    import numpy as np

    if count < _FEW:
        yield np.fromiter((chance.random() for _ in range(count)), np.float64, count)
        return
    version, state, gauss = chance.getstate()
    generator = np.random.RandomState()
    words: Any = np.array(state[:-1], np.uint32)
    generator.set_state(("MT19937", words, state[-1], 0, 0.0))
    for start in range(0, count, _CHUNK):
        yield generator.random_sample(min(_CHUNK, count - start))
    after: Any = generator.get_state(legacy=True)
    words, place = after[1], after[2]
    chance.setstate((version, (*words.tolist(), int(place)), gauss))
