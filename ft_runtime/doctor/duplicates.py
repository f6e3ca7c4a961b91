"""Rows that occur twice, prompts with several answers, and rows shared by two splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEEP = 20
_ROWS = 18  # a range holds about 2 ** 18 rows


@dataclass
class Duplicates:
    """Repetitions inside one file.

    Attributes
    ----------
    rows : int
        Rows that repeat an earlier row.
    prompts : int
        Rows whose prompt an earlier row has with another answer.
    groups : list of list of int
        Row indices (from 0) of some groups of equal rows.
    conflicts : list of list of int
        The same for equal prompts with different answers.
    """

    rows: int = 0
    prompts: int = 0
    groups: list[list[int]] = field(default_factory=list)
    conflicts: list[list[int]] = field(default_factory=list)


def find_duplicates(content: NDArray[Any], prompt: NDArray[Any]) -> Duplicates:
    """Return the repetitions among the rows of one file; 0 stands for a broken row.

    Needs a few megabytes beside the arrays: range by range, values are sorted, and only rows
    whose value occurs twice are looked at one by one.
    """
    import numpy as np

    found = Duplicates()
    for values, rows in repeated(content):
        found.rows += int(rows.size - values.size)
        found.groups = sorted(found.groups + _groups(content, rows))[:KEEP]
    for _, rows in repeated(prompt):
        rows = rows[np.lexsort((rows, content[rows], prompt[rows]))]
        prompts, contents = prompt[rows], content[rows]
        fresh = np.diff(prompts, prepend=prompts[0] + np.uint64(1)) != 0
        other = (np.diff(contents, prepend=contents[0] + np.uint64(1)) != 0) & ~fresh
        found.prompts += int(np.count_nonzero(other))
        for value in np.unique(prompts[other])[: KEEP - len(found.conflicts)].tolist():
            same = rows[prompts == np.uint64(value)]
            found.conflicts.append(np.sort(same).tolist()[:10])
    found.conflicts.sort()
    return found


def repeated(numbers: NDArray[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the values that occur twice or more, and the rows that have them, range by range."""
    import numpy as np

    bits = (int(numbers.size) >> _ROWS).bit_length()
    for number in range(1 << bits):
        rows = _range(numbers, number, bits)
        rows = rows[_crowded(numbers[rows])]
        own = numbers[rows]
        ordered = np.sort(own)
        values = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        del ordered
        values = values[values != 0]
        if values.size:
            at = np.searchsorted(values, own)
            np.minimum(at, values.size - 1, out=at)
            yield values, rows[values[at] == own]


def _crowded(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return which numbers may occur twice: those whose slot in a table another one has too."""
    import numpy as np

    slots = 1 << (max(numbers.size, 1) * 8).bit_length()
    slot = (numbers & np.uint64(slots - 1)).view(np.int64)
    order = np.arange(numbers.size, dtype=np.int32)
    table = np.empty(slots, np.int32)
    table[slot] = order  # the last of a slot stays
    shared: Any = np.zeros(slots, bool)
    shared[slot[table[slot] != order]] = True
    found: NDArray[Any] = np.flatnonzero(shared[slot])
    return found


def _range(numbers: NDArray[Any], number: int, bits: int) -> NDArray[Any]:
    """Return the rows whose number begins with these bits."""
    import numpy as np

    if not bits:
        return np.arange(numbers.size)
    found: list[Any] = []
    step = 1 << 18
    for start in range(0, numbers.size, step):
        part = numbers[start : start + step]
        found.append(np.flatnonzero((part >> np.uint64(64 - bits)) == number) + start)
    return np.concatenate(found)


def _groups(numbers: NDArray[Any], rows: NDArray[Any]) -> list[list[int]]:
    """Return some groups of rows with one number each, those that begin first."""
    import numpy as np

    own = numbers[rows]
    _, first = np.unique(own, return_index=True)
    first = np.sort(first)[:KEEP]
    return [rows[own == own[i]].tolist()[:10] for i in first.tolist()]


def shared(one: NDArray[Any], other: NDArray[Any]) -> tuple[int, list[int]]:
    """Return how many rows of `other` have a number that `one` has, and some of these rows."""
    import numpy as np

    known = np.unique(one)
    known = known[known != 0]
    if not known.size:
        return 0, []
    at = np.minimum(np.searchsorted(known, other), known.size - 1)
    rows = np.flatnonzero((known[at] == other) & (other != 0))
    return int(rows.size), rows[:KEEP].tolist()
