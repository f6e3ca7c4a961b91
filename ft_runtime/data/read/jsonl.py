"""JSON Lines as records: each line judged as JSON by the doctor's own reader of lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from ft_runtime.data.read import limits
from ft_runtime.data.read.contents import Record
from ft_runtime.doctor.jsonl.hints import is_risky
from ft_runtime.doctor.jsonl.parse import UNSURE, parse, value_of
from ft_runtime.doctor.jsonl.scan import Marker
from ft_runtime.doctor.jsonl.value import kind
from ft_runtime.doctor.jsonl.words import PAD
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Log, Problem
from ft_runtime.doctor.secrets.find import marker

_BLOCK = 1 << 21
_ROWS = 1000
_RETURNS = (b"\r\n", b"\r")


def read_jsonl(
    stream: BinaryIO, part: Part, mark: Marker, feed: Callable[[bytes], None]
) -> Iterator[Record]:
    r"""Yield one record a line, blank lines included.

    A line ends at ``\n`` and nowhere else: U+2028 and its kind stand inside texts.

    Parameters
    ----------
    stream : BinaryIO
        At the first row.
    part : Part
        Gets the number of lines, and what is marked.
    mark : callable
        See `ft_runtime.doctor.jsonl.scan`.
    feed : callable
        Gets all bytes in their order.
    """
    block: list[bytes] = []
    size, limit = 0, limits.LINE_BYTES
    while raw := stream.readline(limit + 1):
        part.lines += 1
        length = len(raw)
        if length > limit and not raw.endswith(b"\n"):
            feed(_mark(block, part, mark, part.lines - 1))
            block, size = [], 0
            feed(raw)
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(1 << 20)
                feed(raw)
            yield Record(part.lines, None, (_too_long(),))
            continue
        block.append(raw)
        size += length
        if size > _BLOCK:
            feed(_mark(block, part, mark, part.lines))
            block, size = [], 0
        yield _record(raw, part)
    feed(_mark(block, part, mark, part.lines))


def mark_values(values: Iterable[Any]) -> Log:
    """Return what the doctor marks in rows that were not read from text, by row number."""
    part, mark = Part(), marker(True, False, True)
    block: list[bytes] = []
    for value in values:
        block.append(json.dumps(value, default=repr).encode("ascii") + b"\n")
        part.lines += 1
        if len(block) == _ROWS:
            _mark(block, part, mark, part.lines)
            block = []
    _mark(block, part, mark, part.lines)
    return part.marks


def _record(raw: bytes, part: Part) -> Record:
    """Return a line that is not too long as a record."""
    body = raw
    if raw.endswith(_RETURNS):
        body = raw.removesuffix(b"\n").removesuffix(b"\r")
        part.crlf += 1
    value = value_of(body)  # a line feed behind it makes no difference
    if type(value) is dict:
        return Record(part.lines, value, (), False, True, is_risky(body))
    parsed = parse(body.removesuffix(b"\n"), sound=value is not UNSURE)
    value, problems = parsed.value, tuple(parsed.problems)
    if not parsed.sound:
        return Record(part.lines, None, problems, problems[0].code == "blank_line")
    if not isinstance(value, dict):
        problems += (Problem("not_an_object", values={"got": kind(value)}),)
        return Record(part.lines, None, problems)
    return Record(part.lines, value, problems, False, parsed.whole, parsed.risky)


def _too_long() -> Problem:
    return Problem("line_too_long", values={"limit": limits.LINE_BYTES})


def _mark(lines: list[bytes], part: Part, mark: Marker, last: int) -> bytes:
    """Look for what the doctor marks in some lines, and return all their bytes.

    `last` is the number of the last of them.
    """
    if not lines:
        return b""
    import numpy as np

    sizes: Any = np.fromiter(map(len, lines), np.int64, len(lines))
    ends = np.cumsum(sizes)
    block = b"".join(lines)
    mark(block + bytes(PAD), len(block), ends - sizes, last - len(lines), part)
    return block
