"""Scanning a byte range of a CSV file, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.csv.cells import check_cells, holds, wrong_byte
from ft_runtime.doctor.csv.split import Gathered, Records, Signs, find_signs, split
from ft_runtime.doctor.csv.table import Table
from ft_runtime.doctor.jsonl.signs import wide_spans
from ft_runtime.doctor.opening import read_at
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ft_runtime.doctor.jsonl.scan import Marker

Take = Callable[[bytes, Records, Table, Part], None]
SPACE = b" \t\r"
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
    take: Take | None = None,
) -> Part:
    """Scan the records that begin in ``[start, stop)``; a record begins at `start`.

    See `jsonl.scan.scan_range` for the parameters.

    Parameters
    ----------
    take : callable, optional
        Gets the records of each block instead of the check.
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
        end = _stretches(signs, stop - position, final, table, part, marker, take or check_records)
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
    signs: Signs,
    stop: int,
    final: bool,
    table: Table,
    part: Part,
    marker: Marker | None,
    take: Take,
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
            # The record with the bad quote: up to the line of that quote, or of the next.
            after = _spoilt(signs, end, found.problem, table, gathered)
            if after:
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
    take(signs.block, records, table, part)
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
    signs: Signs, start: int, problem: tuple[str, int, int], table: Table, gathered: Gathered
) -> int:
    """Add the record that a quote spoils; return where the next one begins, 0 for not yet known.

    It goes to the end of that quote's line. What lies between a quote that opens a cell and the
    one that does not close it properly may be rows, or the rest of a text that must not pass for
    rows. If all of its lines look like whole rows, they are rows; else each is told as lost.
    """
    block, size = signs.block, signs.size
    code, place, close = problem
    after = block.find(b"\n", place, size) + 1
    last = after if code == "stray_quote" or close >= size else block.find(b"\n", close, size) + 1
    last = last if close < size else size
    if not after or not last:
        return 0
    inner = block.count(b"\n", start, place)
    line_start = block.rfind(b"\n", start, place) + 1 or start
    opened = gathered.lines + inner
    column = f"column {place - line_start + 1}"
    if inner:
        column = f"line {inner + 1} of the row, {column}"
    lines = block.count(b"\n", start, after)
    # On one line the cell has a quote in it; over lines, who knows where it should have ended.
    code = "stray_quote" if last == after and close < size else code
    gathered.spoilt(start, after, lines, Problem(code, column))
    if last <= after or _whole_rows(block, after, last, close, table):
        return after
    while after < last:
        begin, after = after, block.find(b"\n", after, size) + 1 or size
        lost = Problem("inside_quote", values={"back": gathered.lines - opened})
        gathered.spoilt(begin, after, 1, lost)
    return after


def _whole_rows(block: bytes, start: int, stop: int, close: int, table: Table) -> bool:
    """Tell whether the lines behind one with an open quote are rows of their own.

    Before the quote that ended the search there is none, so a row has as many delimiters as the
    header; in the last line a quote may open a cell, and nothing else.
    """
    delimiter = bytes([table.delimiter])
    for line in block[start:stop].split(b"\n")[:-1]:
        before, quote, _ = line.partition(b'"')
        if quote:
            return start <= close < start + len(line) and (not before or before.endswith(delimiter))
        if line.strip() and line.count(delimiter) != table.width - 1:
            return False
        start += len(line) + 1
    return True


def check_records(block: bytes, found: Records, table: Table, part: Part) -> None:
    """Check the records of a block, and add them to the part."""
    import numpy as np

    for line, problem in found.faults:
        part.log.add(part.lines + line + 1, [problem])
    cells, starts, ends = found.cells, found.starts, found.ends
    size = cells.size
    last = np.cumsum(cells) - 1
    fine = cells == table.width
    content: Any = np.zeros(size, np.uint64)
    prompt: Any = np.zeros(size, np.uint64)
    lines = found.lines + (part.lines + 1)
    blank: set[int] = set()
    for i in np.flatnonzero(~fine & (cells > 0)).tolist():
        values = {"got": int(cells[i]), "expected": table.width}
        problem = Problem("ragged_row", values=values)
        if cells[i] == 1 and not block[starts[i] : ends[i]].strip(SPACE):
            problem = Problem("blank_line")
            blank.add(i)
        part.log.add(int(lines[i]), [problem])
    part.note_blank(size, blank)
    if block.find(b"\0", 0, int(ends[-1])) >= 0:
        holed = holds(block, starts, ends, 0) & fine
        for i in np.flatnonzero(holed).tolist():
            part.log.add(int(lines[i]), [Problem("nul_bytes")])
        fine &= ~holed
    good = np.flatnonzero(fine)
    if good.size:
        first = last[good] - table.width + 1
        spans = [_cell(found, first, starts[good], ends[good], cell, table.width)
                 for cell in (table.text, table.label)]  # fmt: skip
        others = table.width > 2 and not block.isascii()
        odd = _other_cells(block, first, good, found, table) if others else {}
        chars = check_cells(
            block, spans, good, lines, found, table, part, fine, content, prompt, odd
        )
        part.add_lengths(chars[fine[good]])
    part.broken += int(size - np.count_nonzero(fine))
    part.rows += size
    part.crlf += int(np.count_nonzero(found.returns))
    part.add_numbers(content, prompt, lines)


def _other_cells(
    block: bytes, first: NDArray[Any], good: NDArray[Any], found: Records, table: Table
) -> dict[int, list[Problem]]:
    """Return the faults of the cells beside text and label: those that are not UTF-8."""
    import numpy as np

    odd: dict[int, list[Problem]] = {}
    for cell in range(table.width):
        if cell in (table.text, table.label):
            continue
        begin, until = _cell(found, first, found.starts[good], found.ends[good], cell, table.width)
        for i in np.flatnonzero(wide_spans(block, begin, until)).tolist():
            if wrong := wrong_byte(block[int(begin[i]) : int(until[i])]):
                problem = Problem("not_utf8", table.header[cell], {"byte": wrong})
                odd.setdefault(i, []).append(problem)
    return odd


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
    import numpy as np

    from ft_runtime.doctor.jsonl.scan import pass_line

    after = pass_line(handle, position, size, block, feed)
    part.lines += 1
    problem = Problem("line_too_long", values={"limit": limit})
    if after - position <= limit:  # what is too long is the record
        problem = Problem("unbalanced_quote")
    part.log.add(part.lines, [problem])
    part.rows += 1
    part.broken += 1
    none: Any = np.zeros(1, np.uint64)
    part.add_numbers(none, none, np.array([part.lines]))
    return after
