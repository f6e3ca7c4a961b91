"""What the labels of a classification set, taken together, tell about its quality."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from ft_runtime.data.places import SHOWN, Place, join_places, listing, quoted
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
    texts = [str(row.fields["text"]) for row in rows if row.fields]
    if len(rows) >= _MANY_ROWS and 2 * len(counts) > len(rows):
        found.append(
            finding(
                "data.labels_look_like_text",
                name,
                classes=len(counts),
                count=len(rows),
                label_length=round(_mean_length(map(label_of, rows))),
                text_length=round(_mean_length(texts)),
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
            yield finding("data.label_spaces", name, label=quoted(spellings))


def _folded(label: str) -> str:
    visible = (
        char for char in unicodedata.normalize("NFKC", label) if unicodedata.category(char) != "Cf"
    )
    return " ".join("".join(visible).casefold().split())


def _conflicts(rows: Sequence[Row]) -> Iterable[Finding]:
    """Tell of equal texts with different labels."""
    seen: dict[str, set[str]] = defaultdict(set)
    spots: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        assert row.fields is not None
        seen[row.fields["text"]].add(label_of(row))
        spots[row.fields["text"]].append(Place(row.source, row.line, row.number).spot)
    torn = [text for text, labels in seen.items() if len(labels) > 1]
    if torn:
        first = torn[0]
        yield finding(
            "data.label_conflicts",
            join_places(spots[first][:SHOWN], len(spots[first])),
            count=len(torn),
            labels=listing(sorted(seen[first]), 4),
        )


def _mean_length(texts: Iterable[str]) -> float:
    lengths = [len(text) for text in texts]
    return sum(lengths) / max(1, len(lengths))
