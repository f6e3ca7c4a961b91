"""Telling whether two rows are the same, or ask the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

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
    rows = list(rows)
    # Rows whose texts alone differ need no closer look, and these are nearly all.
    quick = [hash((row.split, *_texts(row.fields))) for row in rows]
    several = _several(quick)
    seen: dict[tuple[str | None, bytes], Row] = {}
    again = []
    for row, number in zip(rows, quick, strict=True):
        if number in several:
            first = seen.setdefault((row.split, content_key(row)), row)
            if first is not row:
                again.append((first, row))
    return again


def _several(numbers: Iterable[int]) -> set[int]:
    """Return the numbers that occur twice or more."""
    once: set[int] = set()
    several: set[int] = set()
    for number in numbers:
        (several if number in once else once).add(number)
    return several


def _texts(fields: Mapping[str, Any] | None) -> list[str]:
    """Return texts that rows with equal canonical fields have in the same order."""
    fields = fields or {}
    if "messages" in fields:
        return [
            content if type(content := message.get("content")) is str else chat.said(message)
            for message in fields["messages"]
        ]
    return [text for name in _ordered(*fields) if isinstance(text := fields[name], str)]


@lru_cache(maxsize=64)
def _ordered(*names: str) -> list[str]:
    return sorted(names)


def _digest(value: object) -> bytes:
    # Sorted keys: the order of the columns in the file makes no difference.
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).digest()
