"""CSV with a header line, comma separated: records with the physical line on which they start."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ft_runtime.data.places import listing
from ft_runtime.data.read import limits
from ft_runtime.data.read.contents import Record
from ft_runtime.data.read.lines import LineReader
from ft_runtime.findings import Finding, FindingsError, finding

_DELIMITERS = {";": "semicolon (;)", "\t": "tab", "|": "bar (|)"}


class _Line(NamedTuple):
    number: int
    text: str
    bad_byte: int
    """Position of the first byte that is not UTF-8, from 1; 0 when there is none."""


class _Feed:
    """Hands physical lines to csv.reader, remembers those of a record, and can take them back."""

    def __init__(self, lines: LineReader) -> None:
        self._lines = lines
        self._queue: deque[_Line] = deque()
        self._size = 0
        self.taken: list[_Line] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        # A quote that is never closed must not read the whole file into one record.
        if self._size > limits.LINE_BYTES:
            raise StopIteration
        line = self._queue.popleft() if self._queue else self._read()
        self.taken.append(line)
        self._size += len(line.text)
        return line.text

    def begin(self) -> None:
        """Start a new record."""
        self.taken = []
        self._size = 0

    def give_back(self) -> None:
        """Put all lines of the record but its first one back, to be read afresh."""
        self._queue.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    def _read(self) -> _Line:
        raw = self._lines.line()
        if raw is None:
            raise StopIteration
        try:
            return _Line(self._lines.number, raw.decode("utf-8"), 0)
        except UnicodeDecodeError as error:
            return _Line(self._lines.number, raw.decode("utf-8", "replace"), error.start + 1)


def read_csv(lines: LineReader, name: str) -> Iterator[Record]:
    """Yield one record a row; the first line is the header.

    Cells are texts as they stand: no number, no date, no "NA" is guessed.

    Raises
    ------
    FindingsError
        When the header cannot serve.
    """
    feed = _Feed(lines)
    with _long_fields():
        reader = csv.reader(feed, strict=True)
        header = _header(feed, reader, name)
        while True:
            feed.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield from _broken(feed, name, len(header), str(error))
                continue
            yield _record(feed, cells, header, name)


@contextmanager
def _long_fields() -> Iterator[None]:
    """Lift the csv module's limit on the length of a field, which is one for the whole process."""
    before = csv.field_size_limit(limits.LINE_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _header(feed: _Feed, reader: Iterator[list[str]], name: str) -> list[str]:
    header: list[str] = []
    while not header:
        feed.begin()
        try:
            header = next(reader)
        except StopIteration:
            raise FindingsError([finding("data.blank_file", name)]) from None
        except csv.Error as error:
            where = f"{name}:{feed.taken[0].number}"
            raise FindingsError([finding("data.csv_syntax", where, problem=str(error))]) from None
    first = feed.taken[0]
    where = f"{name}:{first.number}"
    found: list[Finding] = []
    if any(line.bad_byte for line in feed.taken):
        found.append(finding("data.not_utf8", where, byte=first.bad_byte or 1))
    if header[0].lstrip().startswith("#") and header[0].strip() != "#":
        found.append(finding("data.csv_comment", where))
    if len(header) == 1:
        for mark, said in _DELIMITERS.items():
            if mark in header[0]:
                found.append(finding("data.csv_delimiter", where, delimiter=said, char=repr(mark)))
                break
    doubled = {cell for cell in header if cell and header.count(cell) > 1}
    if doubled:
        found.append(finding("data.duplicate_column", where, names=listing(sorted(doubled))))
    if found:
        raise FindingsError(found)
    return header


def _record(feed: _Feed, cells: list[str], header: list[str], name: str) -> Record:
    line = feed.taken[0].number
    where = f"{name}:{line}"
    if len(cells) <= 1 and not "".join(cells).strip():
        return Record(line, None, (finding("data.blank_line", where),), blank=True)
    problems = [
        finding("data.not_utf8", f"{name}:{taken.number}", byte=taken.bad_byte)
        for taken in feed.taken
        if taken.bad_byte
    ]
    if len(cells) != len(header):
        problems.append(finding("data.ragged_row", where, expected=len(header), got=len(cells)))
    if problems:
        return Record(line, None, tuple(problems))
    return Record(line, dict(zip(header, cells, strict=True)))


def _broken(feed: _Feed, name: str, width: int, problem: str) -> Iterator[Record]:
    """Yield what csv could not read: one record a physical line, or only the line with the quote.

    After a quote that is never closed the csv module goes on to the next quote, hundreds of lines
    below. Those lines are read afresh if all of them look like whole rows; else they may be the
    rest of a text and must not pass for rows: each is told as lost.
    """
    first = feed.taken[0]
    where = f"{name}:{first.number}"
    if len(feed.taken) == 1 and problem != "unexpected end of data":
        code = "data.stray_quote" if "expected after" in problem else "data.csv_syntax"
        yield Record(first.number, None, (finding(code, where, problem=problem),))
        return
    yield Record(first.number, None, (finding("data.unbalanced_quote", where),))
    if _whole_rows(feed.taken[1:], width):
        feed.give_back()
        return
    for line in feed.taken[1:]:
        fault = finding("data.inside_quote", f"{name}:{line.number}", opened=first.number)
        yield Record(line.number, None, (fault,))


def _whole_rows(lines: list[_Line], width: int) -> bool:
    """Tell whether lines swallowed by an open quote are rows of their own.

    Before the line that ended the search there is no closing quote, so a row of `width` cells has
    one comma less; in the last line a quote may open a cell, and nothing else.
    """
    for index, line in enumerate(lines):
        before, quote, _ = line.text.partition('"')
        if quote:
            return index == len(lines) - 1 and (not before or before.endswith(","))
        if line.text.strip() and line.text.count(",") != width - 1:
            return False
    return True
