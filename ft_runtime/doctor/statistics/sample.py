"""Texts from all over a file, at a cost that does not grow with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROWS = 2000
_BLOCK = 1 << 14
_LONGEST = 1 << 20
_VALUES = 60
_SHORT = 80


@dataclass
class Sample:
    """Some rows of a file, evenly spaced.

    Attributes
    ----------
    texts : list of str
        The texts of the columns in use.
    extras : dict of str to list of (int, str)
        Short texts of the other columns, each with its place in the file: by them it may be sorted.
    rows : int
    whole : bool
        Every row is in it.
    """

    texts: list[str] = field(default_factory=list)
    extras: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    rows: int = 0
    whole: bool = False

    def sorted_by(self) -> list[str]:
        """Return the columns of which equal values stand together all over the file."""
        return [name for name, seen in self.extras.items() if self._in_runs(seen)]

    def _in_runs(self, seen: list[tuple[int, str]]) -> bool:
        values = [value for _, value in sorted(seen)]
        runs = sum(1 for i, value in enumerate(values) if i == 0 or values[i - 1] != value)
        kinds = len(set(values))
        full = len(values) >= max(20, 0.9 * self.rows)
        return full and 1 < runs == kinds <= min(_VALUES, len(values) // 4)


def sample_texts(path: Path, kind: str, columns: set[str], rows: int = ROWS) -> Sample:
    """Read about `rows` rows, evenly spaced by bytes.

    Parameters
    ----------
    path : Path
        JSON Lines or CSV, a regular file.
    kind : {"jsonl", "csv"}
        Of a CSV the physical lines are taken as they are: to count letters that is enough.
    columns : set of str
        The columns in use, by their names in the file.
    """
    found = Sample()
    with open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        for place, line in _lines(stream, size, rows):
            text = line.decode("utf-8", "ignore")
            if kind != "jsonl":
                found.texts.append(text)
                found.rows += 1
                continue
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                found.rows += 1
                _take(value, columns, place, found)
    found.whole = found.rows < rows and size < rows * _BLOCK
    return found


def _lines(stream: Any, size: int, rows: int) -> Iterator[tuple[int, bytes]]:
    if size <= rows * _BLOCK:  # every line, thinned
        lines = 0
        for _ in stream:
            lines += 1
        stream.seek(0)
        step = max(1, lines // rows)
        for number, line in enumerate(stream):
            if number % step == 0 and len(line) <= _LONGEST:
                yield number, line
        return
    inside = 0  # up to here no line ends: what begins before is a part of a long line
    for at in range(0, size, max(1, size // rows)):
        if at < inside:
            continue
        stream.seek(at)
        if at and not stream.readline(_LONGEST).endswith(b"\n"):
            inside = at + _LONGEST
            continue
        line = stream.readline(_LONGEST)
        if line.endswith(b"\n"):
            yield at, line
        else:
            inside = stream.tell()


def _take(value: dict[str, Any], columns: set[str], place: int, found: Sample) -> None:
    for name, item in value.items():
        if name in columns:
            found.texts += list(_strings(item))
        elif isinstance(item, str) and len(item) <= _SHORT:
            found.extras.setdefault(name, []).append((place, item))


def _strings(value: Any) -> Iterator[str]:
    """Yield what is said: of a message its content, and no role."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in ("content", "value", "text"):
                yield from _strings(item)
