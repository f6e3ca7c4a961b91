"""Which format the rows of a file have, and the mapping of columns that would fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ft_runtime.data.detect import detect_columns

_WORDS = {
    "jsonl_chat": "chat",
    "jsonl_instr": "instruction",
    "jsonl_prompt": "prompt",
    "csv_classification": "classification",
}


def rows_of(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """Return the objects among some lines of JSON."""
    from ft_runtime.doctor.jsonl.parse import parse

    values = (parse(line).value for line in lines)
    return [value for value in values if isinstance(value, dict)]


def detect_rows(rows: list[dict[str, Any]]) -> tuple[str | None, dict[str, str], str]:
    """Return format, columns that differ from the canonical names, and a word for the shape.

    A column counts that is in half of the rows at least, with its first value that is not null.
    """
    columns: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for row in rows:
        for name, value in row.items():
            counts[name] = counts.get(name, 0) + 1
            if columns.get(name) is None:
                columns[name] = value
    columns = {name: value for name, value in columns.items() if 2 * counts[name] >= len(rows)}
    found = detect_columns(columns)
    if found.format is None:
        if {"chosen", "rejected"} <= columns.keys():
            return None, {}, "preference"
        if "messages" in columns:  # broken, and meant to be conversations
            return "jsonl_chat", {}, "chat"
        return None, {}, "text" if "text" in columns else "unknown"
    shape = _WORDS[found.format]
    if shape == "chat" and _is_sharegpt(columns[found.columns.get("messages", "messages")]):
        shape = "sharegpt"
    return found.format, found.columns, shape


def _is_sharegpt(turns: Any) -> bool:
    first = turns[0] if isinstance(turns, list) and turns else None
    return isinstance(first, dict) and "from" in first
