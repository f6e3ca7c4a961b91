"""Checks of a split: what is on both sides, and what is on one side only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ft_runtime.data.labels import label_of
from ft_runtime.data.places import SHOWN, join_places, quoted
from ft_runtime.data.rows import Row
from ft_runtime.data.same import content_key, prompt_key
from ft_runtime.data.splits import Splits
from ft_runtime.findings import Finding, finding


def check_overlap(splits: Splits, format: str) -> Iterator[Finding]:
    """Count held-out rows that are in training too, whole or with their question alone."""
    known = {content_key(row) for row in splits.train}
    asked = {prompt_key(row, format) for row in splits.train}
    same = [row for row in splits.held_out if content_key(row) in known]
    if same:
        yield finding(
            "data.split_overlap", _places(same), count=len(same), total=len(splits.held_out)
        )
    numbers = {row.number for row in same}
    alike = [
        row
        for row in splits.held_out
        if row.number not in numbers and prompt_key(row, format) in asked
    ]
    if alike:
        yield finding(
            "data.prompt_overlap", _places(alike), count=len(alike), total=len(splits.held_out)
        )
    between = {content_key(row) for row in splits.val} & {content_key(row) for row in splits.test}
    if between:
        yield finding("data.held_out_overlap", "dataset.split", count=len(between))


def check_classes(splits: Splits) -> Iterator[Finding]:
    """Tell of classes that training, or a held-out part, never sees."""
    counts = Counter(label_of(row) for row in splits.train)
    unseen = [row for row in splits.held_out if label_of(row) not in counts]
    if unseen:
        labels = sorted({label_of(row) for row in unseen})
        whole = len(unseen) == len(splits.held_out)
        yield finding(
            "data.all_labels_unseen" if whole else "data.unseen_labels",
            "dataset.split",
            count=len(unseen),
            total=len(splits.held_out),
            classes=len(labels),
            labels=quoted(labels),
        )
    if len(counts) == 1 and len(splits.held_out) > 0:
        yield finding("data.one_class_in_training", "dataset.split", label=quoted(counts))
    if splits.strategy == "stratified":
        held = {label_of(row) for row in splits.held_out}
        absent = sorted(label for label in counts if label not in held)
        if absent:
            yield finding(
                "data.classes_not_held_out",
                "dataset.split",
                count=len(absent),
                labels=quoted(absent),
            )


def sorted_by_label(rows: Iterable[Row]) -> bool:
    """Tell whether all rows of a class stand together, as in a file sorted by class."""
    labels = [label_of(row) for row in rows]
    runs = sum(1 for before, label in zip([None, *labels], labels, strict=False) if before != label)
    return 1 < runs == len(set(labels)) < len(labels)


def _places(rows: Sequence[Row]) -> str:
    spots = [row.spot for row in rows[:SHOWN]]
    return join_places(spots, len(rows))
