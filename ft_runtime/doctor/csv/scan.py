"""Scanning a byte range of a CSV file, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.csv.cells import check_cells, holds
from ft_runtime.doctor.csv.split import Gathered, Records, Signs, find_signs, split
from ft_runtime.doctor.csv.table import Table
from ft_runtime.doctor.opening import read_at
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ft_runtime.doctor.jsonl.scan import Marker

_SHORT = 1 << 10  # signs of the first stretch behind a bad quote
_PAD = 72


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
    part = Part(start, start, total=min(stop, size) - start)
    position, want = start, block
    while position < min(stop, size):
        data = read_at(handle, min(want, size - position), position)
        if not data:
            part.changed = True
            break
        final = position + len(data) >= size
        closed = data if not final or data.endswith(b"\n") else data + b"\n"
        signs = find_signs(closed + bytes(_PAD), len(closed), table.delimiter)
        end = _stretches(signs, stop - position, final, table, part, marker)
        if not end:
            if final or want > limit:
                position = _give_up(handle, position, size, block, limit, part, feed)
            else:
                want *= 4
            continue
        want = block
        whole = min(end, size - position)
        if feed:
            feed(memoryview(data)[:whole])
        position += whole
        part.stop = position
    part.stop = position
    return part


def _stretches(
    signs: Signs, stop: int, final: bool, table: Table, part: Part, marker: Marker | None
) -> int:
    """Add the records of a block that begin before `stop`; return where the next one begins.

    A quote out of place ends a stretch: behind the line that it spoils a new one begins, short at
    first, so that a file with a bad quote on every line is read in time.
    """
    import numpy as np

    start, first, wide, count, end = 0, 0, signs.at.size, signs.at.size, 0
    gathered = Gathered()
    while first < count and start < stop:
        last = _whole_quotes(signs, min(first + wide, count))
        found = split(signs, start, first, last, final and last == count)
        keep = found.ends.size
        if found.end > stop:
            keep = int(np.searchsorted(found.starts, stop))
        end = found.end if keep == found.ends.size else int(found.starts[keep])
        if keep:
            gathered.add(found, keep)
        if found.problem and keep == found.ends.size and end < stop:
            # The record with the bad quote: its first line, or all up to the quote's line.
            after = signs.block.find(b"\n", max(found.problem[1], end), signs.size) + 1
            if after:
                _spoilt(signs.block, end, after, found.problem, gathered, part)
                end, wide = after, _SHORT
        elif end > start:
            wide *= 2
        if end == start:
            if last == count:
                break
            wide *= 4
            continue
        start, first = end, int(np.searchsorted(signs.at, end))
    records = gathered.records()
    if records is None:
        return 0
    lines = part.lines
    _records(signs.block, records, table, part)
    part.lines += gathered.lines
    if marker:
        breaks = signs.at[(signs.sign == 10) & (signs.at < end)]
        marker(signs.block, end, np.append(0, breaks[:-1] + 1), lines, part)
    return end


def _whole_quotes(signs: Signs, last: int) -> int:
    """Return where a stretch may end: not between the two quotes of a doubled one."""
    at, sign = signs.at, signs.sign
    while (
        0 < last < at.size and sign[last - 1] == sign[last] == 34 and at[last] == at[last - 1] + 1
    ):
        last += 1
    return last


def _spoilt(
    block: bytes, start: int, stop: int, problem: tuple[str, int], gathered: Gathered, part: Part
) -> None:
    """Note the record that a quote spoils; it goes to the end of that quote's line."""
    code, place = problem
    inner = block.count(b"\n", start, place)
    line_start = block.rfind(b"\n", start, place) + 1 or start
    column = f"column {place - line_start + 1}"
    part.log.add(part.lines + gathered.lines + 1 + inner, [Problem(code, column)])
    gathered.spoilt(start, stop, block.count(b"\n", start, stop))


def _records(block: bytes, found: Records, table: Table, part: Part) -> None:
    """Add the records of a block to the part."""
    import numpy as np

    cells, starts, ends = found.cells, found.starts, found.ends
    size = cells.size
    last = np.cumsum(cells) - 1
    fine = cells == table.width
    content: Any = np.zeros(size, np.uint64)
    prompt: Any = np.zeros(size, np.uint64)
    lines = found.lines + (part.lines + 1)
    for i in np.flatnonzero(~fine & (cells > 0)).tolist():
        empty = ends[i] == starts[i]
        values = {"got": int(cells[i]), "expected": table.width}
        problem = Problem("blank_line") if empty else Problem("ragged_row", values=values)
        part.log.add(int(lines[i]), [problem])
    if block.find(b"\0", 0, int(ends[-1])) >= 0:
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
    part.broken += int(size - np.count_nonzero(fine))
    part.rows += size
    part.crlf += int(np.count_nonzero(found.returns))
    part.add_numbers(content, prompt, lines)


def _cell(
    found: Records,
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
    import numpy as np

    part.lines += 1
    part.log.add(part.lines, [Problem("line_too_long", values={"limit": limit})])
    part.rows += 1
    part.broken += 1
    none: Any = np.zeros(1, np.uint64)
    part.add_numbers(none, none, np.array([part.lines]))
    return after
