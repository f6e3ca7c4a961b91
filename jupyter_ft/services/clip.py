"""Values of data made fit to be shown: no longer, deeper or larger than a browser bears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def clip(value: Any, limit: int, depth: int = 0) -> Any:
    """Return a value fit to be shown: long texts, long lists and deep nests are cut."""
    if isinstance(value, str):
        text = value if len(value) <= limit else value[:limit] + "…"
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float) and value - value != 0:
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 53:
        # Beyond this a browser would show another number.
        return str(value) if value.bit_length() < 4096 else "…"
    if isinstance(value, Mapping):
        if depth > 8:
            return "…"
        items = list(value.items())[:100]
        return {clip(str(k), limit): clip(v, limit, depth + 1) for k, v in items}
    if isinstance(value, list):
        if depth > 8:
            return "…"
        return [clip(item, limit, depth + 1) for item in value[:100]]
    return value
