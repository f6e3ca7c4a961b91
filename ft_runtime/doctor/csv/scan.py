"""Scanning a byte range of a CSV file, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.csv.cells import check_cells, holds
from ft_runtime.doctor.csv.split import Split, split
from ft_runtime.doctor.csv.table import Table
from ft_runtime.doctor.opening import read_at
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ft_runtime.doctor.jsonl.scan import Marker

SMALLEST = 1 << 14


def scan_records(
    handle: int,
    start: int,
    stop: int,
    size: int,
    table: Table,
    *,
    block: int,
    limit: int,
    marker: Marker | None = None,
    feed: Callable[[Any], None] | None = None,
) -> Part:
    """Scan the records that begin in ``[start, stop)``; a record begins at `start`.

    See `jsonl.scan.scan_range` for the parameters.
    """
    part = Part(start, start)
    position, want = start, block
    while position < min(stop, size):
        data = read_at(handle, min(want, size - position), position)
        if not data:
            part.changed = True
            break
        final = position + len(data) >= size
        closed = data if not final or data.endswith(b"\n") else data + b"\n"
        length = len(closed)
        padded = closed + bytes(32)
        found = split(padded, length, table.delimiter, final)
        keep = found.ends.size
        if position + found.end > stop:
            import numpy as np

            keep = int(np.searchsorted(found.starts + position, stop))
        end = found.end if keep == found.ends.size else int(found.starts[keep])
        if keep:
            _records(padded, end, found, keep, table, part, marker)
        if found.problem and keep == found.ends.size and position + end < stop:
            # The record with the bad quote: its first line, or all up to the quote's line.
            after = padded.find(b"\n", max(found.problem[1], end), length) + 1
            if after:
                _bad_record(padded, end, after, found, part)
                end = after
                want = max(want // 4, SMALLEST)
        elif end:
            want = min(want * 2, block)
        if not end:
            if final or want > limit:
                position = _give_up(handle, position, size, block, limit, part, feed)
                continue
            want *= 4
            continue
        whole = min(end, size - position)
        if feed:
            feed(memoryview(data)[:whole])
        position += whole
    part.stop = position
    return part


def _records(
    block: bytes, end: int, found: Split, keep: int, table: Table, part: Part, marker: Marker | None
) -> None:
    import numpy as np

    cells, ends = found.cells[:keep], found.ends[:keep]
    starts, base = found.starts[:keep], part.lines
    last = np.cumsum(cells) - 1
    fine = cells == table.width
    content: Any = np.zeros(keep, np.uint64)
    prompt: Any = np.zeros(keep, np.uint64)
    good = np.flatnonzero(fine)
    lines: Any = np.empty(keep, np.int64)
    lines[0], lines[1:] = 0, found.lines[: keep - 1]
    lines += base + 1
    ragged = np.flatnonzero(~fine)
    for i in ragged.tolist():
        empty = ends[i] == starts[i]
        values = {"got": int(cells[i]), "expected": table.width}
        problem = Problem("blank_line") if empty else Problem("ragged_row", values=values)
        part.log.add(int(lines[i]), [problem])
    if block.find(b"\0", 0, end) >= 0:
        holed = holds(block, starts, ends, 0) & fine
        for i in np.flatnonzero(holed).tolist():
            part.log.add(int(lines[i]), [Problem("nul_bytes", table.names[0])])
        fine &= ~holed
        good = np.flatnonzero(fine)
    if good.size:
        first = last[good] - table.width + 1
        spans = [_cell(found, first, starts[good], ends[good], cell, table.width)
                 for cell in (table.text, table.label)]  # fmt: skip
        chars = check_cells(block, spans, good, lines, found, table, part, fine, content, prompt)
        part.add_lengths(chars[fine[good]])
    part.broken += int(keep - np.count_nonzero(fine))
    part.rows += keep
    part.lines += int(found.lines[keep - 1])
    part.crlf += int(np.count_nonzero(found.returns[:keep]))
    part.content.append(content)
    part.prompt.append(prompt)
    part.row_lines.append(lines.astype(np.uint32))
    if marker:
        breaks = np.flatnonzero(np.frombuffer(block, np.uint8, count=end) == 10)
        marker(block, end, np.append(0, breaks[:-1] + 1), base, part)


def _cell(
    found: Split,
    first: NDArray[Any],
    starts: NDArray[Any],
    ends: NDArray[Any],
    cell: int,
    width: int,
) -> tuple[Any, Any]:
    """Return where one cell of each record begins and ends."""
    begin = starts if cell == 0 else found.separators[first + cell - 1] + 1
    until = ends if cell == width - 1 else found.separators[first + cell]
    return begin, until


def _bad_record(block: bytes, start: int, stop: int, found: Split, part: Part) -> None:
    """Note the record that a quote spoils; it goes to the end of that quote's line."""
    assert found.problem is not None
    code, place = found.problem
    inner = block.count(b"\n", start, place)
    line_start = block.rfind(b"\n", start, place) + 1 or start
    column = f"column {place - line_start + 1}"
    part.log.add(part.lines + 1 + inner, [Problem(code, column)])
    _one_broken(part, part.lines + 1, block.count(b"\n", start, stop))


def _one_broken(part: Part, line: int, lines: int) -> None:
    import numpy as np

    part.rows += 1
    part.broken += 1
    part.lines += lines
    for numbers in (part.content, part.prompt):
        numbers.append(np.zeros(1, np.uint64))
    part.row_lines.append(np.array([line], np.uint32))


def _give_up(
    handle: int,
    position: int,
    size: int,
    block: int,
    limit: int,
    part: Part,
    feed: Callable[[Any], None] | None,
) -> int:
    """Pass one physical line that is longer than the limit."""
    from ft_runtime.doctor.jsonl.scan import next_line

    after = next_line(handle, position, size, block)
    at = position
    while feed and at < after and (data := read_at(handle, min(block, after - at), at)):
        feed(data)
        at += len(data)
    part.log.add(part.lines + 1, [Problem("line_too_long", values={"limit": limit})])
    _one_broken(part, part.lines + 1, 1)
    return after
