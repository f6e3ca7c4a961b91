"""Which rows go where: the splits of a run, and one that keeps what belongs together together."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ft_runtime.data.strategies import sizes
from ft_runtime.doctor.splits.drawing import drawn
from ft_runtime.doctor.splits.groups import Groups, group, nth

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDES = ("train", "val", "test")
Shares = Mapping[str, float]


@dataclass
class Members:
    """The fine rows of a dataset, as far as a split needs to know them.

    Attributes
    ----------
    content, prompt : ndarray of uint64, shape (rows,)
        See `ft_runtime.doctor.hashing`.
    label : ndarray of int or None
        Index into `names`; None when rows have no labels.
    names : list of str
    lines : callable
        Gives the number of each row in its source.
    file : ndarray of int
        Which source.
    given : ndarray of uint8 or None
        The side of each row, where the data came split.
    near : ndarray of int or None
        The group of rows that say nearly the same; None when they were not looked for.
    """

    content: NDArray[Any]
    prompt: NDArray[Any]
    label: NDArray[Any] | None
    lines: Callable[[], NDArray[Any]]
    file: NDArray[Any]
    names: list[str] = field(default_factory=list)
    given: NDArray[Any] | None = None
    near: NDArray[Any] | None = None

    def __len__(self) -> int:
        return int(self.content.size)

    @cached_property
    def line(self) -> NDArray[Any]:
        """The row's number in its source; made when somebody asks."""
        return self.lines()


def assign(rows: Members, strategy: str, shares: Shares, seed: int) -> NDArray[Any]:
    """Return the side of every row: exactly what a run with this config does.

    Parameters
    ----------
    strategy : {"random", "stratified", "tail"}

    Returns
    -------
    ndarray of uint8
        Index into `SIDES`.
    """
    import numpy as np

    count = len(rows)
    result: NDArray[Any] = np.zeros(count, np.uint8)
    if strategy == "stratified" and rows.label is not None:
        return _stratified(rows, shares, seed)
    size = sizes(count, shares)
    if strategy == "tail":
        result[size["train"] : size["train"] + size["val"]] = 1
        result[size["train"] + size["val"] :] = 2
        return result
    order = drawn(count, random.Random(seed), size["val"] + size["test"])
    result[order[: size["val"]]] = 1
    result[order[size["val"] : size["val"] + size["test"]]] = 2
    return result


def safe_sides(rows: Members, shares: Shares, seed: int) -> NDArray[Any]:
    """Return sides of which no prompt is on two, with every class in its share.

    Rows with the same prompt (so also equal rows) are one group and stay together, and with them
    rows that say nearly the same, where these were looked for. The groups of a class are drawn by
    the seed; what rounding takes from one class is given to the next. A class keeps at least one
    group in training; a side that is wanted gets at least one, if there is one to spare.
    """
    import numpy as np

    sides: NDArray[Any] = np.zeros(len(rows), np.uint8)
    if not len(rows):
        return sides
    made = group(_kin(rows))
    chance = random.Random(seed)
    owed = {1: 0.0, 2: 0.0}
    for own, total in _classes(made, rows.label):
        wanted = {side: total * shares[SIDES[side]] + owed[side] for side in (1, 2)}
        count = own.count
        most = sum(math.ceil(max(each, 0)) + 1 for each in wanted.values())
        order = own.rows(drawn(count, chance, min(most, count)))
        sizes, at = made.sizes(order).tolist(), 0
        for side in (1, 2):
            taken, begin = 0, at
            while at < min(count - 1, len(sizes)) and wanted[side] > 0:
                if taken + sizes[at] / 2 > wanted[side] + 1e-9:
                    break
                taken += sizes[at]
                at += 1
            sides[order[begin:at]] = side
            owed[side] = wanted[side] - taken
    for side in (1, 2):
        if shares[SIDES[side]] > 0 and not (sides == side).any():
            _spare_group(sides, rows.label, made, side)
    sides[made.later] = sides[made.head]
    return sides


@dataclass(frozen=True)
class _Class:
    """The groups of a class: heads as a mask of all rows, or one by one."""

    count: int
    mask: NDArray[Any] | None = None
    listed: NDArray[Any] | None = None

    def rows(self, places: NDArray[Any]) -> NDArray[Any]:
        """Return the heads at some places."""
        if self.listed is not None:
            return self.listed[places]
        assert self.mask is not None
        return nth(self.mask, places)


def _classes(made: Groups, label: NDArray[Any] | None) -> Iterator[tuple[_Class, int]]:
    """Yield the groups of each class, by the places of their first rows, and how many rows."""
    import numpy as np

    if label is None:
        yield _Class(int(np.count_nonzero(made.heads)), made.heads), made.heads.size
        return
    first: NDArray[Any] = np.flatnonzero(made.heads).astype(np.uint32)
    # A group goes with the class of its head.
    order = np.argsort(label[first], kind="stable")
    first = first[order]
    del order
    bounds = np.flatnonzero(np.diff(label[first], prepend=-1))
    sizes = made.sizes(first)
    totals = np.add.reduceat(sizes, bounds).tolist()
    for own, total in zip(np.split(first, bounds[1:]), totals, strict=True):
        yield _Class(own.size, listed=own), total


def _spare_group(sides: NDArray[Any], label: NDArray[Any] | None, made: Groups, side: int) -> None:
    """Move the smallest training group of the class with most groups, if that leaves it one."""
    import numpy as np

    train: Any = np.flatnonzero(made.heads & (sides == 0))
    if not train.size:
        return
    own = train
    if label is not None:
        values, counts = np.unique(label[train], return_counts=True)
        own = train[label[train] == values[counts.argmax()]]
    if own.size > 1:
        sides[own[np.lexsort((-own, made.sizes(own)))[0]]] = side


def _kin(rows: Members) -> NDArray[Any]:
    """Return a number for each row that all rows have which must stay together."""
    import numpy as np

    if rows.near is None:
        return rows.prompt
    _, prompt = np.unique(rows.prompt, return_inverse=True)
    _, near = np.unique(rows.near, return_inverse=True)
    kin: Any = prompt.reshape(-1).astype(np.int64)
    near = near.reshape(-1)
    # Prompts join near groups, and these join prompts, until nothing moves.
    while True:
        before = kin
        for groups in (near, prompt.reshape(-1)):
            least = np.full(int(groups.max()) + 1, np.iinfo(np.int64).max)
            np.minimum.at(least, groups, kin)
            kin = least[groups]
        if np.array_equal(before, kin):
            return kin


def _stratified(rows: Members, shares: Shares, seed: int) -> NDArray[Any]:
    import numpy as np

    assert rows.label is not None
    result: Any = np.zeros(len(rows), np.uint8)
    chance = random.Random(seed)
    owed = {1: 0.0, 2: 0.0}
    train: list[int] = []
    order: Any = np.argsort(rows.label, kind="stable")
    bounds: Any = np.searchsorted(rows.label[order], np.arange(len(rows.names) + 1))
    for number in sorted(range(len(rows.names)), key=lambda i: rows.names[i]):
        members = order[bounds[number] : bounds[number + 1]]
        if not members.size:
            continue
        members = members[drawn(members.size, chance)]
        used = 0
        for side in (1, 2):
            wanted = members.size * shares[SIDES[side]] + owed[side]
            taken = max(0, min(math.floor(wanted + 0.5 + 1e-9), members.size - 1 - used))
            owed[side] = wanted - taken
            result[members[used : used + taken]] = side
            used += taken
        train += members[used:].tolist()
    for side in (1, 2):
        if shares[SIDES[side]] > 0 and not (result == side).any():
            _spare_one(rows, result, side, train)
    return result


def _spare_one(rows: Members, result: NDArray[Any], side: int, train: list[int]) -> None:
    """Move the first drawn training row of the largest class, if that leaves the class a row."""
    import numpy as np

    assert rows.label is not None
    counts: Any = np.bincount(rows.label[train], minlength=len(rows.names))
    if not train or counts.max() < 2:
        return
    best = min(range(len(rows.names)), key=lambda i: (-counts[i], rows.names[i]))
    row = next(row for row in train if rows.label[row] == best)
    result[row] = side
    train.remove(row)
