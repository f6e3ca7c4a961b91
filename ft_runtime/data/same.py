"""Telling whether two rows are the same, or ask the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from ft_runtime.data.formats import FORMATS
from ft_runtime.data.rows import Row


def content_key(row: Row) -> bytes:
    """Return 16 bytes that are equal for rows with equal canonical fields."""
    return _digest(row.fields)


def prompt_key(row: Row, format: str) -> bytes:
    """Return 16 bytes that are equal for rows that give the model the same to answer."""
    assert row.fields is not None
    return _digest(FORMATS[format].prompt(row.fields))


def repeats(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that repeat an earlier one of the same split exactly."""
    seen: set[tuple[str | None, bytes]] = set()
    again = []
    for row in rows:
        key = (row.split, content_key(row))
        if key in seen:
            again.append(row)
        seen.add(key)
    return again


def _digest(value: object) -> bytes:
    # Sorted keys: the order of the columns in the file makes no difference.
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).digest()
