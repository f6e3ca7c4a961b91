"""Rows that belong together, told by equal numbers, in little memory where few rows do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.duplicates import repeated

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 1 << 16


@dataclass
class Groups:
    """Rows in groups; a group is named by its first row, its head.

    Attributes
    ----------
    heads : ndarray of bool, shape (rows,)
    later : ndarray of uint32
        The rows that are no heads, in ascending order.
    head : ndarray of uint32
        The head of each of these.
    """

    heads: NDArray[Any]
    later: NDArray[Any]
    head: NDArray[Any]

    @cached_property
    def _crowded(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The heads that are not alone, and how many rows follow each."""
        import numpy as np

        heads, counts = np.unique(self.head, return_counts=True)
        return heads, counts

    def sizes(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return how many rows the groups of these heads have."""
        import numpy as np

        crowded, more = self._crowded
        sizes: NDArray[Any] = np.ones(rows.size, np.int64)
        if crowded.size:
            at = np.minimum(np.searchsorted(crowded, rows), crowded.size - 1)
            sizes += np.where(crowded[at] == rows, more[at], 0)
        return sizes


def group(numbers: NDArray[Any]) -> Groups:
    """Group rows with equal numbers."""
    import numpy as np

    heads: NDArray[Any] = np.ones(numbers.size, bool)
    later: list[Any] = []
    first: list[Any] = []
    numbers = numbers.view(np.uint64)
    nothing = np.flatnonzero(numbers == 0)  # stands for no number among those that repeat
    for rows in (*([nothing] if nothing.size > 1 else []), *(at for _, at in repeated(numbers))):
        order = rows[np.argsort(numbers[rows], kind="stable")]
        fresh = np.diff(numbers[order], prepend=numbers[order[:1]] + np.uint64(1)) != 0
        begins = np.flatnonzero(fresh)
        of: NDArray[Any] = np.repeat(order[begins], np.diff(begins, append=order.size))
        later.append(order[~fresh].astype(np.uint32))
        first.append(of[~fresh].astype(np.uint32))
    if not later:
        none: NDArray[Any] = np.zeros(0, np.uint32)
        return Groups(heads, none, none)
    rows, head = np.concatenate(later), np.concatenate(first)
    heads[rows] = False
    place = np.argsort(rows)
    return Groups(heads, rows[place], head[place])


def nth(mask: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    """Return where the wanted ones among the set entries of a mask stand; places from 0."""
    import numpy as np

    order = np.argsort(places)
    wanted = places[order].astype(np.int64)
    found = np.empty(places.size, np.uint32)
    passed = at = 0
    for start in range(0, mask.size, _CHUNK):
        here = np.flatnonzero(mask[start : start + _CHUNK])
        stop = int(np.searchsorted(wanted, passed + here.size))
        found[order[at:stop]] = here[wanted[at:stop] - passed] + start
        passed, at = passed + here.size, stop
    return found


def also_in(numbers: NDArray[Any], held: NDArray[Any]) -> NDArray[Any]:
    """Return which held rows have a number that a row has which is not held.

    The numbers of the smaller side are sorted, a copy of them alone.
    """
    import numpy as np

    found: NDArray[Any] = np.zeros(held.size, bool)
    few = np.count_nonzero(held) * 2 <= held.size
    known = numbers[held] if few else numbers[~held]
    if not known.size or known.size == held.size:
        return found
    known.sort()
    if few:  # those that the other side has too
        hit: NDArray[Any] = np.zeros(known.size, bool)
        for start in range(0, held.size, _CHUNK):
            other = numbers[start : start + _CHUNK][~held[start : start + _CHUNK]]
            at: Any = np.searchsorted(known, other)
            at = at[known[np.minimum(at, known.size - 1)] == other]
            hit[at] = True  # the first of several that are equal
        known = known[hit]
        if not known.size:
            return found
    for start in range(0, held.size, _CHUNK):
        own = numbers[start : start + _CHUNK]
        at = np.minimum(np.searchsorted(known, own), known.size - 1)
        found[start : start + _CHUNK] = (known[at] == own) & held[start : start + _CHUNK]
    return found
