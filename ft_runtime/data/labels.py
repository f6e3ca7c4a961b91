"""What the labels of a classification set, taken together, tell about its quality."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from ft_runtime.data.places import SHOWN, join_places, quoted
from ft_runtime.data.rows import Row
from ft_runtime.findings import Finding, finding

_FEW = 2
_MANY_ROWS = 20


def check_labels(rows: Sequence[Row], name: str) -> list[Finding]:
    """Return findings about the labels of usable rows; the labels stay exactly as written.

    Parameters
    ----------
    rows : sequence of Row
        Usable rows with ``text`` and ``label``.
    name : str
        The place for findings about the whole set.
    """
    counts = Counter(label_of(row) for row in rows)
    if len(counts) < 2:
        return [finding("data.one_class", name, label=quoted(counts), count=len(rows))]
    found = [*_variants(counts, name), *_conflicts(rows)]
    if few := sorted(label for label, count in counts.items() if count < _FEW):
        found.append(finding("data.tiny_classes", name, count=len(few), labels=quoted(few)))
    if len(rows) >= _MANY_ROWS and 2 * len(counts) > len(rows):
        found.append(
            finding(
                "data.labels_look_like_text",
                name,
                classes=len(counts),
                count=len(rows),
            )
        )
    if all(label.strip().lstrip("+-").isdecimal() for label in counts):
        found.append(finding("data.numeric_labels", name, labels=quoted(sorted(counts))))
    return found


def label_of(row: Row) -> str:
    """Return the label of a usable row."""
    assert row.fields is not None
    return str(row.fields["label"])


def _variants(counts: Counter[str], name: str) -> Iterable[Finding]:
    """Name labels that differ only by case, spaces or invisible characters."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts):
        groups[_folded(label)].append(label)
    for spellings in groups.values():
        if len(spellings) > 1:
            told = ", ".join(f"{quoted([label])} ({counts[label]})" for label in spellings[:6])
            yield finding("data.label_variants", name, spellings=told)
        elif spellings[0] != spellings[0].strip():
            yield finding("data.label_spaces", name, labels=quoted(spellings))


def _folded(label: str) -> str:
    visible = (
        char for char in unicodedata.normalize("NFKC", label) if unicodedata.category(char) != "Cf"
    )
    return " ".join("".join(visible).casefold().split())


def _conflicts(rows: Sequence[Row]) -> Iterable[Finding]:
    """Tell of rows with a text that an earlier row labels differently."""
    seen: dict[str, dict[str, Row]] = defaultdict(dict)
    torn: list[tuple[Row, Row]] = []
    for row in rows:
        assert row.fields is not None
        known = seen[row.fields["text"]]
        if known and label_of(row) not in known:
            torn.append((next(iter(known.values())), row))
        known.setdefault(label_of(row), row)
    if torn:
        spots = [row.spot for _, row in torn]
        lines = "; ".join(f"{one.spot[1]} = {other.spot[1]}" for one, other in torn[:3])
        where = join_places(spots[:SHOWN], len(torn))
        yield finding("data.label_conflicts", where, count=len(torn), lines=lines)
