"""Columns that hold the numbers of classes, as the datasets library keeps them."""

from __future__ import annotations

from typing import Any


def class_names(part: Any) -> dict[str, list[str]]:
    """Return the names of columns that hold class numbers (ClassLabel)."""
    features = getattr(part, "features", None) or {}
    return {
        column: list(kind.names)
        for column, kind in features.items()
        if getattr(kind, "names", None) and hasattr(kind, "int2str")
    }


def class_name(value: Any, names: list[str]) -> Any:
    """Return the name of a class number; None for -1, which means "no label" on the hub."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    return names[value] if 0 <= value < len(names) else None
