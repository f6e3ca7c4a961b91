"""Splitting rows as the config says, or as the data came, and checking what that gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ft_runtime.data.leakage import check_classes, check_overlap, sorted_by_label
from ft_runtime.data.rows import RowSet
from ft_runtime.data.splits import Splits
from ft_runtime.data.strategies import STRATEGIES
from ft_runtime.findings import Finding, errors, finding, notify, raise_for_errors

if TYPE_CHECKING:
    from ft_runtime.config import Config

_CLASSIFICATION = "csv_classification"


def split_rows(rows: RowSet, config: Config) -> Splits:
    """Part the usable rows into training, validation and test rows.

    Data that came split (one file each, or a hub dataset's own splits) stays as it came. Else
    ``dataset.split`` gives shares and strategy, and ``seed`` the drawing: the same rows, shares and
    seed give the same splits on every machine and version of Python.

    Parameters
    ----------
    rows : RowSet
    config : Config
        ``dataset.split`` and ``seed`` are used.

    Returns
    -------
    Splits
        Warnings are shown, and kept in ``findings``.

    Raises
    ------
    FindingsError
        When no row is left to train on, or training would see one class, or none of those that
        are held out.
    """
    splits, found = check_splits(rows, config)
    raise_for_errors(found)
    assert splits is not None
    notify(*found)
    return splits


def check_splits(rows: RowSet, config: Config) -> tuple[Splits | None, list[Finding]]:
    """Split, and return the splits with all findings; None when there are errors."""
    labelled = rows.format == _CLASSIFICATION
    usable = rows.usable
    found: list[Finding] = []
    # Whether the data came split is asked of all rows: the usable ones may all be of one file.
    given = any(row.split is not None for row in rows.rows)
    shares = {} if given else _shares(config)
    if given:
        parts = {
            name: [row for row in usable if row.split == name] for name in ("train", "val", "test")
        }
        splits = Splits(parts["train"], parts["val"], parts["test"], "given")
    else:
        strategy = config.dataset.split.strategy
        if strategy == "tail" and labelled and sorted_by_label(usable):
            found.append(finding("data.tail_of_sorted", "dataset.split.strategy", column="label"))
        seed = None if strategy == "tail" else config.seed
        train, val, test = STRATEGIES[strategy](usable, shares, config.seed)
        splits = Splits(train, val, test, strategy, seed)
        found += _rounded(splits, shares, len(usable))
    if not splits.train:
        found.append(finding("data.no_training_rows", "dataset.split", usable=len(usable)))
    elif not splits.held_out:
        found.append(finding("data.nothing_held_out", "dataset.split"))
    else:
        found += check_overlap(splits, rows.format)
        if labelled:
            found += check_classes(splits)
    found.sort(key=lambda item: item.severity != "error")
    splits.findings = found
    return (None if errors(found) else splits), found


def _shares(config: Config) -> dict[str, float]:
    split = config.dataset.split
    return {name: float(split[name] or 0.0) for name in ("train", "val", "test")}


def _rounded(splits: Splits, shares: dict[str, float], total: int) -> list[Finding]:
    """Tell when few rows make a part's share something else than was asked."""
    return [
        finding(
            "data.share_below_one_row",
            f"dataset.split.{name}",
            share=shares[name],
            total=total,
            got=len(rows),
        )
        for name, rows in splits.by_name().items()
        if 0 < shares[name] * total < 1 and splits.train
    ]
