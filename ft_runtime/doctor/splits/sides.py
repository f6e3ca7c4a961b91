"""Which rows go where: the splits of a run, and one that keeps what belongs together together."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ft_runtime.data.strategies import sizes

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
    line : ndarray of int
        The row's number in its source.
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
    line: NDArray[Any]
    file: NDArray[Any]
    names: list[str] = field(default_factory=list)
    given: NDArray[Any] | None = None
    near: NDArray[Any] | None = None

    def __len__(self) -> int:
        return int(self.content.size)


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
    order = _shuffled(count, random.Random(seed))
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

    result: Any = np.zeros(len(rows), np.uint8)
    if not len(rows):
        return result
    first, group, size = _groups(_kin(rows))
    label = np.zeros(first.size, np.uint8) if rows.label is None else rows.label[first]
    # Groups by the place of their first row: the order of hashes says nothing to anybody.
    order: Any = np.argsort(first, kind="stable").astype(np.uint32)
    sides = np.zeros(first.size, np.uint8)
    chance = random.Random(seed)
    owed = {1: 0.0, 2: 0.0}
    for number in np.unique(label).tolist():
        own = order[label[order] == number]
        own = own[_shuffled(own.size, chance)]
        total, at = int(size[own].sum(dtype=np.int64)), 0
        for side in (1, 2):
            wanted = total * shares[SIDES[side]] + owed[side]
            taken = 0
            while at < own.size - 1 and taken + size[own[at]] / 2 <= wanted + 1e-9 and wanted > 0:
                sides[own[at]] = side
                taken += int(size[own[at]])
                at += 1
            owed[side] = wanted - taken
    for side in (1, 2):
        if shares[SIDES[side]] > 0 and not (sides == side).any():
            _spare_group(sides, label, size, first, side)
    return sides[group]


def _groups(numbers: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return of each group of equal numbers its first row and size, and the group of each row.

    As `numpy.unique` does, in half of its memory.
    """
    import numpy as np

    order: Any = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    fresh = np.ones(ordered.size, bool)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    del ordered
    group: Any = np.empty(order.size, np.uint32)
    group[order] = np.cumsum(fresh, dtype=np.uint32) - np.uint32(1)
    first = order[fresh].astype(np.uint32)
    del order
    return first, group, np.bincount(group, minlength=first.size).astype(np.uint32)


def _spare_group(
    sides: NDArray[Any], label: NDArray[Any], size: NDArray[Any], first: NDArray[Any], side: int
) -> None:
    """Move the smallest training group of the class with most groups, if that leaves it one."""
    import numpy as np

    train: Any = np.flatnonzero(sides == 0)
    if not train.size:
        return
    values, counts = np.unique(label[train], return_counts=True)
    if counts.max() < 2:
        return
    own = train[label[train] == values[counts.argmax()]]
    sides[own[np.lexsort((-first[own].astype(np.int64), size[own]))[0]]] = side


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
        members = members[_shuffled(members.size, chance)]
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


def _shuffled(count: int, chance: random.Random) -> NDArray[Any]:
    """Return the order that `ft_runtime.data.strategies` draws from the same chance."""
    import numpy as np

    keys = np.fromiter((chance.random() for _ in range(count)), np.float64, count)
    return np.argsort(keys, kind="stable")
