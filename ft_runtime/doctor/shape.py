"""Which format the rows of a file have, and the mapping of columns that would fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# Names under which a canonical column is known, best first.
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "jsonl_chat": {"messages": ("messages", "conversations", "conversation", "dialogue", "chat")},
    "jsonl_instr": {
        "instruction": ("instruction", "question", "query"),
        "input": ("input", "context"),
        "output": ("output", "response", "answer"),
    },
    "jsonl_prompt": {
        "prompt": ("prompt", "question", "input", "source", "query"),
        # The last two as in sets that teach SQL; a query that is asked is the prompt.
        "completion": ("completion", "response", "answer", "target", "output", "sql", "query"),
    },
    "csv_classification": {
        "text": ("text", "sentence", "content", "review", "comment", "body", "title"),
        "label": ("label", "labels", "class", "category", "sentiment", "target", "intent"),
    },
}
_OPTIONAL = {"input"}


def rows_of(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """Return the objects among some lines of JSON."""
    from ft_runtime.doctor.jsonl.parse import parse

    values = (parse(line).value for line in lines)
    return [value for value in values if isinstance(value, dict)]


def detect_rows(rows: list[dict[str, Any]]) -> tuple[str | None, dict[str, str], str]:
    """Return format, columns that differ from the canonical names, and a word for the shape."""
    if not rows:
        return None, {}, "unknown"
    keys = {
        key for row in rows for key in row if sum(key in other for other in rows) * 2 >= len(rows)
    }
    for name in NAMES["jsonl_chat"]["messages"]:
        if name in keys and any(_turns(row.get(name)) for row in rows):
            shape = (
                "sharegpt" if _turns(next(r[name] for r in rows if name in r), "from") else "chat"
            )
            return "jsonl_chat", {} if name == "messages" else {"messages": name}, shape
    if {"chosen", "rejected"} <= keys:
        return None, {}, "preference"
    for form, shape in (
        ("jsonl_instr", "instruction"),
        ("jsonl_prompt", "prompt"),
        ("csv_classification", "classification"),
    ):
        found = fit(form, keys)
        if found is not None and (
            form != "jsonl_instr" or "instruction" in keys or "input" in found
        ):
            return form, {k: v for k, v in found.items() if k != v}, shape
    if "messages" in keys:
        return "jsonl_chat", {}, "chat"
    if "text" in keys:
        return None, {}, "text"
    return None, {}, "unknown"


def _turns(value: Any, key: str = "") -> bool:
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return False
    return key in value[0] if key else bool({"role", "from"} & value[0].keys())


def fit(form: str, keys: Iterable[str]) -> dict[str, str] | None:
    """Return canonical name to actual name for a format, or None when one is missing."""
    folded = {normal(key): key for key in sorted(keys, reverse=True)}
    found: dict[str, str] = {}
    for column, names in NAMES[form].items():
        actual = next(
            (folded[n] for n in names if n in folded and folded[n] not in found.values()), None
        )
        if actual is not None:
            found[column] = actual
        elif column not in _OPTIONAL:
            return None
    return found


def normal(name: str) -> str:
    """Return a column name without case, spaces, quotes and byte order mark."""
    return name.strip().strip("\ufeff\"'").strip().lower()
