"""The records of a text file as their raw bytes, with the line on which each starts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

LONGEST = 64 << 20
_LINES = 10_000


def table_records(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Join physical lines of CSV to records: quotes that are open at a line's end go on.

    A quote that is never closed ends with its own line; the lines behind it are records again.

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
        taken = [head]
        size, open_quote = len(head[1]), head[1].count(b'"') & 1
        while open_quote and size < LONGEST and len(taken) < _LINES:
            more = pull()
            if more is None:
                break
            taken.append(more)
            size += len(more[1])
            open_quote ^= more[1].count(b'"') & 1
        if open_quote:
            queue.extendleft(reversed(taken[1:]))
            del taken[1:]
        yield head[0], b"".join(raw for _, raw in taken)


def numbered(stream: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Return physical lines with their numbers, from 1."""
    return enumerate(stream, 1)
