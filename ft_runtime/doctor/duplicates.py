"""Rows that occur twice, prompts with several answers, and rows shared by two splits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEEP = 20


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

    Needs eight bytes a row beside the arrays: the values are sorted, and only rows whose value
    occurs twice are looked at one by one.
    """
    import numpy as np

    found = Duplicates()
    values, rows = _repeated(content)
    found.rows = int(rows.size - values.size)
    found.groups = _groups(content, rows)
    values, rows = _repeated(prompt)
    if rows.size:
        order = np.lexsort((rows, content[rows], prompt[rows]))
        rows = rows[order]
        prompts, contents = prompt[rows], content[rows]
        fresh = np.diff(prompts, prepend=prompts[0] + np.uint64(1)) != 0
        other = (np.diff(contents, prepend=contents[0] + np.uint64(1)) != 0) & ~fresh
        found.prompts = int(np.count_nonzero(other))
        for value in np.unique(prompts[other])[:KEEP].tolist():
            same = rows[prompts == np.uint64(value)]
            found.conflicts.append(np.sort(same).tolist()[:10])
        found.conflicts.sort()
    return found


def _repeated(numbers: NDArray[Any]) -> tuple[Any, Any]:
    """Return the values that occur twice or more, and the rows that have them."""
    import numpy as np

    ordered = np.sort(numbers)
    twice = ordered[1:] == ordered[:-1]
    values = np.unique(ordered[1:][twice])
    del ordered, twice
    values = values[values != 0]
    rows: list[Any] = []
    step = 1 << 16
    for start in range(0, numbers.size if values.size else 0, step):
        part = numbers[start : start + step]
        at = np.searchsorted(values, part)
        hit = values[np.minimum(at, values.size - 1)] == part
        rows.append(np.flatnonzero(hit) + start)
    return values, np.concatenate(rows) if rows else np.zeros(0, np.int64)


def _groups(numbers: NDArray[Any], rows: NDArray[Any]) -> list[list[int]]:
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
