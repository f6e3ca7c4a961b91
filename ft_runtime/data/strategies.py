"""Ways to part rows into train, val and test by shares. Pure functions of rows, shares and seed."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ft_runtime.data.labels import label_of
from ft_runtime.data.rows import Row

Parts = tuple[list[Row], list[Row], list[Row]]
Shares = Mapping[str, float]


def sizes(count: int, shares: Shares) -> dict[str, int]:
    """Return how many of `count` rows each part gets, by largest remainder.

    A held-out part with a share above 0 gets at least one row, as long as training keeps one: with
    few rows a small share would else round to nothing and leave nothing to evaluate on.
    """
    names = ("train", "val", "test")
    exact = {name: count * shares[name] for name in names}
    # 1e-9: 100 * 0.29 is 28.999999999999996.
    result = {name: math.floor(exact[name] + 1e-9) for name in names}
    order = sorted(names, key=lambda name: result[name] - exact[name])
    for name in order[: count - sum(result.values())]:
        result[name] += 1
    for name in ("val", "test"):
        if shares[name] > 0 and result[name] == 0 and result["train"] > 1:
            result[name] = 1
            result["train"] -= 1
    if shares["train"] > 0 and result["train"] == 0:
        richest = max(("val", "test"), key=lambda name: result[name])
        if result[richest] > 0:
            result[richest] -= 1
            result["train"] = 1
    return result


def tail(rows: Sequence[Row], shares: Shares, seed: int) -> Parts:  # noqa: ARG001
    """Hold out the last rows of the file: validation first, then test."""
    size = sizes(len(rows), shares)
    first, second = size["train"], size["train"] + size["val"]
    return list(rows[:first]), list(rows[first:second]), list(rows[second:])


def at_random(rows: Sequence[Row], shares: Shares, seed: int) -> Parts:
    """Draw the held-out rows by the seed; each part stays in file order."""
    shuffled = _shuffled(rows, random.Random(seed))
    size = sizes(len(rows), shares)
    val = shuffled[: size["val"]]
    test = shuffled[size["val"] : size["val"] + size["test"]]
    train = shuffled[size["val"] + size["test"] :]
    return _in_order(train), _in_order(val), _in_order(test)


def stratified(rows: Sequence[Row], shares: Shares, seed: int) -> Parts:
    """Hold out every class in its share; every class keeps at least one row in training.

    What rounding takes from one class is given to the next (error diffusion), so that the parts as
    a whole have their shares even with many small classes.
    """
    chance = random.Random(seed)
    classes: dict[str, list[Row]] = {}
    for row in rows:
        classes.setdefault(label_of(row), []).append(row)
    train: list[Row] = []
    held: dict[str, list[Row]] = {"val": [], "test": []}
    owed = {"val": 0.0, "test": 0.0}
    for label in sorted(classes):
        members = _shuffled(classes[label], chance)
        used = 0
        for name in ("val", "test"):
            wanted = len(members) * shares[name] + owed[name]
            taken = max(0, min(math.floor(wanted + 0.5 + 1e-9), len(members) - 1 - used))
            owed[name] = wanted - taken
            held[name] += members[used : used + taken]
            used += taken
        train += members[used:]
    for name in ("val", "test"):
        if shares[name] > 0 and not held[name]:
            train, held[name] = _spare_one(train)
    return _in_order(train), _in_order(held["val"]), _in_order(held["test"])


STRATEGIES: dict[str, Callable[[Sequence[Row], Shares, int], Parts]] = {
    "random": at_random,
    "stratified": stratified,
    "tail": tail,
}


def _shuffled(rows: Sequence[Row], chance: random.Random) -> list[Row]:
    # Only random() is promised to give the same numbers in every Python; shuffle() is not.
    keys = [chance.random() for _ in rows]
    return [
        rows[index] for index in sorted(range(len(rows)), key=lambda index: (keys[index], index))
    ]


def _spare_one(train: list[Row]) -> tuple[list[Row], list[Row]]:
    """Take one row of the largest class out of training, if that leaves the class a row."""
    counts = Counter(label_of(row) for row in train)
    label, count = min(counts.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
    if count < 2:
        return train, []
    index = next(i for i, row in enumerate(train) if label_of(row) == label)
    return train[:index] + train[index + 1 :], [train[index]]


def _in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.number)
