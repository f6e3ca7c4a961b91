"""The records of a text file as their raw bytes, with the line on which each starts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import BinaryIO

LONGEST = 64 << 20
"""Longest line that is held in memory, as in `ft_runtime.doctor.scan`."""
_LINES = 10_000
_PIECE = 1 << 20


class Piece(bytes):
    """A part of a line that is longer than `LONGEST`: no record, only to be passed on."""

    first: bool = False


def table_records(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Join physical lines of CSV to records: quotes that are open at a line's end go on.

    A quote that is never closed ends with its own line; the lines behind it are records again.
    A `Piece` is yielded as it comes, and ends an open quote.

    Parameters
    ----------
    lines : iterable of (int, bytes)
        Line numbers and lines with their ends.
    """
    queue: deque[tuple[int, bytes]] = deque()
    source = iter(lines)

    def pull() -> tuple[int, bytes] | None:
        return queue.popleft() if queue else next(source, None)

    while (head := pull()) is not None:
        if isinstance(head[1], Piece):
            yield head
            continue
        taken = [head]
        size, open_quote = len(head[1]), head[1].count(b'"') & 1
        while open_quote and size < LONGEST and len(taken) < _LINES:
            more = pull()
            if more is None:
                break
            if isinstance(more[1], Piece):
                queue.appendleft(more)
                break
            taken.append(more)
            size += len(more[1])
            open_quote ^= more[1].count(b'"') & 1
        if open_quote:
            queue.extendleft(reversed(taken[1:]))
            del taken[1:]
        yield head[0], b"".join(raw for _, raw in taken)


def records_at(
    lines: Iterable[tuple[int, bytes]], starts: Iterable[int], last: int
) -> Iterator[tuple[int, bytes]]:
    """Join physical lines to the records that a scan has found.

    Parameters
    ----------
    lines : iterable of (int, bytes)
        Line numbers and lines with their ends. A `Piece` is yielded as it comes.
    starts : iterable of int
        The line of each record; what stands before the first is left out.
    last : int
        The last line of the last record.
    """
    coming = iter(starts)
    follower = next(coming, None)
    begin = 0
    taken: list[bytes] = []
    for line, raw in lines:
        if line == follower or line > last:
            if taken:
                yield begin, b"".join(taken)
            begin, taken, follower = line, [], next(coming, None)
        if line > last or not begin:
            continue
        if isinstance(raw, Piece):
            yield line, raw
        else:
            taken.append(raw)
    if taken:
        yield begin, b"".join(taken)


def numbered(stream: BinaryIO, longest: int = LONGEST) -> Iterator[tuple[int, bytes]]:
    """Return physical lines with their numbers, from 1; of a longer one its `Piece`s."""
    line = 0
    while raw := stream.readline(longest + 1):
        line += 1
        if len(raw) <= longest or raw.endswith(b"\n"):
            yield line, raw
            continue
        first = True
        while raw:
            piece = Piece(raw)
            piece.first, first = first, False
            yield line, piece
            raw = b"" if raw.endswith(b"\n") else stream.readline(_PIECE)
