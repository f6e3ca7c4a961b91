"""Numbers about rows: how long they are, how often each label occurs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ft_runtime.data.read import Record

_LABELS = 100
"""Most labels that are listed; the others are counted together in the findings of the data."""


def lengths(records: Sequence[Record], mapping: Mapping[str, str]) -> dict[str, Any]:
    """Return how many rows there are, how many say nothing, and how long the others are.

    Returns
    -------
    dict
        ``rows``; ``empty``: rows without any text in the mapped columns; ``length``: ``p50``,
        ``p95``, ``max`` and ``mean`` of the characters of a row (nearest rank), ``unit``, and
        ``longest_bytes``: of the longest row in UTF-8, which bounds its tokens in any language.
    """
    texts = [_texts(record.value or {}, mapping) for record in records]
    sizes = sorted(sum(map(len, pieces)) for pieces in texts)
    full = [size for size in sizes if size]
    return {
        "rows": len(records),
        "empty": len(sizes) - len(full),
        "length": {
            "p50": _rank(full, 0.50),
            "p95": _rank(full, 0.95),
            "max": full[-1] if full else 0,
            "mean": sum(full) / len(full) if full else 0.0,
            "unit": "characters",
            "longest_bytes": max((_bytes(pieces) for pieces in texts), default=0),
        },
    }


def label_counts(records: Iterable[Record], mapping: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the labels with the number of their rows, the most frequent first."""
    name = mapping.get("label")
    counts = Counter(
        str(record.value[name])
        for record in records
        if record.value and name in record.value and record.value[name] is not None
    )
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"label": label[:200].encode("utf-8", "backslashreplace").decode(), "count": count}
        for label, count in ordered[:_LABELS]
    ]


def sizes(count: float) -> str:
    """Return a number of bytes in words: ``1.5 GB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _texts(row: Mapping[str, Any], mapping: Mapping[str, str]) -> list[str]:
    """Return the texts of a row that are learned from, without space around them."""
    names = list(mapping.values()) or list(row)
    return [text for name in names for text in _said(row.get(name))]


def _said(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value.strip()]
    if isinstance(value, list):
        turns = [item for item in value if isinstance(item, Mapping)]
        contents = (turn.get("content", turn.get("value")) for turn in turns)
        return [text for each in contents for text in _said(_joined(each))]
    return []


def _joined(content: Any) -> Any:
    """Return the text that the parts of a content say; anything else as it is."""
    if not isinstance(content, list):
        return content
    parts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return "".join(text for text in parts if isinstance(text, str))


def _bytes(texts: Iterable[str]) -> int:
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def _rank(ordered: Sequence[int], share: float) -> int:
    """Return the nearest-rank quantile; 0 for nothing."""
    if not ordered:
        return 0
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
