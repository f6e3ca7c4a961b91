"""Reading the beginning of a large file: a look, bounded in bytes, without reading the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

from ft_runtime.data.places import printable
from ft_runtime.data.read import limits
from ft_runtime.data.read.contents import Contents, Record, columns_of
from ft_runtime.data.read.file import judge, read_file, records_of
from ft_runtime.data.read.lines import LineReader
from ft_runtime.data.read.opening import open_file
from ft_runtime.data.read.sniff import kind_of, refuse
from ft_runtime.data.tally import Tally
from ft_runtime.findings import FindingsError, finding, raise_for_errors

_OPEN = {"data.unbalanced_quote", "data.inside_quote"}


def read_head(
    path: str | os.PathLike[str], size: int, name: str | None = None
) -> tuple[Contents, bool]:
    """Read a data file as far as `size` bytes go.

    Parameters
    ----------
    path : str or PathLike
    size : int
        In bytes. A file that is not larger is read whole, as `read_file` does.
    name : str, optional
        What findings and rows call the file; by default its own name.

    Returns
    -------
    contents : Contents
        The whole rows among the first bytes. ``bytes`` is the size of the file; ``sha256`` is empty
        unless the file was read whole.
    complete : bool
        Whether the file was read whole.

    Raises
    ------
    FindingsError
        As `read_file`; and ``data.line_too_long`` when not even the first row ends in `size` bytes.
    """
    path = os.fspath(path)
    name = printable(name or os.path.basename(path) or path, 200)  # noqa: PTH119
    stream, status = open_file(path)
    if status.st_size <= size:
        stream.close()
        return read_file(path, name), True
    with closing(stream):
        start = stream.read(min(limits.HEAD_BYTES, size))
        stream.seek(0)
        refuse(start, path, name)
        kind = kind_of(start, path, name)
        lines = LineReader(_Window(stream, size, kind), status, name)  # type: ignore[arg-type]
        records = _without_stump(list(_until_broken(records_of(kind, lines, name, Tally()))), kind)
    if not records:
        raise FindingsError([finding("data.line_too_long", f"{name}:1", limit=size)])
    raise_for_errors(judge(records, name, kind))
    contents = Contents(name, path, kind, records, columns_of(records), bytes=status.st_size)
    return contents, False


class _Window:
    """The first bytes of a stream, up to the end of the last whole line in them.

    An array has no lines that count: there the last character may be cut, and is left out.
    """

    def __init__(self, stream: BinaryIO, size: int, kind: str) -> None:
        self._stream = stream
        self._left = size
        self._kind = kind

    def readline(self, limit: int = -1) -> bytes:
        bound = self._left if limit < 0 else min(limit, self._left)
        raw = self._stream.readline(bound) if bound > 0 else b""
        self._left -= len(raw)
        return raw if raw.endswith(b"\n") else b""

    def read(self, limit: int = -1) -> bytes:
        raw = self._stream.read(self._left if limit < 0 else min(limit, self._left))
        self._left -= len(raw)
        return raw.decode("utf-8", "ignore").encode() if self._ends_in_character(raw) else raw

    def fileno(self) -> int:
        return self._stream.fileno()

    def _ends_in_character(self, raw: bytes) -> bool:
        """Tell whether the only fault in `raw` is a character that the border cuts."""
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            return error.start >= len(raw) - 3
        return False


def _until_broken(source: Iterator[Record]) -> Iterator[Record]:
    """Yield records up to the border, which an array cannot get over."""
    first = True
    try:
        for record in source:
            first = False
            yield record
    except FindingsError as error:
        if first or any(item.code != "data.broken_array" for item in error.findings):
            # A header that does not end within the window looks like an empty file.
            if any(item.code == "data.blank_file" for item in error.findings):
                return
            raise


def _without_stump(records: list[Record], kind: str) -> list[Record]:
    """Leave out a CSV row that the border cuts: its last cell is open."""
    end = len(records)
    if kind == "csv":
        while end and any(problem.code in _OPEN for problem in records[end - 1].problems):
            end -= 1
    return records[:end]
