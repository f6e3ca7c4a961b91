"""Telling whether two rows are the same, or ask the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from ft_runtime.data.formats import FORMATS, chat
from ft_runtime.data.rows import Row


def content_key(row: Row) -> bytes:
    """Return 16 bytes that are equal for rows with equal canonical fields.

    Of a content in parts the text counts, as in the data doctor.
    """
    fields = row.fields
    return _digest(chat.plain(fields) if fields and "messages" in fields else fields)


def prompt_key(row: Row, format: str) -> bytes:
    """Return 16 bytes that are equal for rows that give the model the same to answer."""
    assert row.fields is not None
    return _digest(FORMATS[format].prompt(row.fields))


def repeats(rows: Iterable[Row]) -> list[tuple[Row, Row]]:
    """Return the rows that repeat an earlier one of the same split exactly, each behind that."""
    seen: dict[tuple[str | None, bytes], Row] = {}
    again = []
    for row in rows:
        first = seen.setdefault((row.split, content_key(row)), row)
        if first is not row:
            again.append((first, row))
    return again


def _digest(value: object) -> bytes:
    # Sorted keys: the order of the columns in the file makes no difference.
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).digest()
