"""Scanning a byte range of a CSV file, block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor import hashing
from ft_runtime.doctor.blank import is_blank
from ft_runtime.doctor.csv.split import Split, split
from ft_runtime.doctor.jsonl.texts import json_bytes, unsure_spans, wide_spans
from ft_runtime.doctor.jsonl.words import load
from ft_runtime.doctor.opening import read_at
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ft_runtime.doctor.jsonl.scan import Marker

SMALLEST = 1 << 14
_ODD = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Table:
    """How a CSV file is laid out.

    Attributes
    ----------
    delimiter : int
        The byte between cells.
    width : int
        Cells of the header.
    text, label : int
        Which cells hold text and label.
    names : tuple of str
        The names of these two columns.
    """

    delimiter: int
    width: int
    text: int
    label: int
    names: tuple[str, str]


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
        holed = _holds(block, starts, ends, 0) & fine
        for i in np.flatnonzero(holed).tolist():
            part.log.add(int(lines[i]), [Problem("nul_bytes", table.names[0])])
        fine &= ~holed
        good = np.flatnonzero(fine)
    if good.size:
        first = last[good] - table.width + 1
        spans = [_cell(found, first, starts[good], ends[good], cell, table.width)
                 for cell in (table.text, table.label)]  # fmt: skip
        chars = _cells(block, spans, good, lines, found, table, part, fine, content, prompt)
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


def _cells(
    block: bytes,
    spans: list[tuple[Any, Any]],
    good: NDArray[Any],
    lines: NDArray[Any],
    found: Split,
    table: Table,
    part: Part,
    fine: NDArray[Any],
    content: NDArray[Any],
    prompt: NDArray[Any],
) -> NDArray[Any]:
    """Check text and label of the records with the right number of cells; return lengths."""
    import numpy as np

    data = np.frombuffer(block, np.uint8)
    (text_at, text_to), (label_at, label_to) = (_unquoted(data, *span) for span in spans)
    odd: dict[int, list[Problem]] = {}
    name, label_name = table.names
    digests, chars = _texts(block, text_at, text_to, found.doubled, name, odd)
    numbers, inverse, values = _labels(block, label_at, label_to)
    for k, (_, problem) in enumerate(values):
        if problem:
            for i in np.flatnonzero(inverse == k).tolist():
                odd.setdefault(i, []).append(Problem(problem[0], label_name, problem[1]))
    for i in sorted(odd):
        fine[good[i]] = False
        part.log.add(int(lines[good[i]]), odd[i])
    sound = fine[good]
    counts = np.bincount(inverse, weights=sound, minlength=len(values))
    for (value, _), count in zip(values, counts.tolist(), strict=True):
        if count:
            part.labels[value] += int(count)
    zero = np.zeros(good.size, np.int64)
    text_terms = hashing.terms(digests, zero + 8, zero)
    prompt[good] = text_terms * sound
    content[good] = (text_terms + hashing.terms(numbers[inverse], zero + 9, zero)) * sound
    return chars


def _unquoted(data: NDArray[Any], begin: NDArray[Any], until: NDArray[Any]) -> tuple[Any, Any]:
    quoted = (data.take(begin) == 34) & (until > begin + 1)
    return begin + quoted, until - quoted


def _texts(
    block: bytes,
    begin: NDArray[Any],
    until: NDArray[Any],
    doubled: NDArray[Any],
    name: str,
    odd: dict[int, list[Problem]],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return digests and lengths of the texts; note those that are blank or not UTF-8."""
    import numpy as np
    from xxhash import xxh3_64_intdigest

    first, last = begin.tolist(), until.tolist()
    digests = hashing.digests(block, first, last)
    chars = until - begin
    if doubled.size:
        at: Any = np.searchsorted(begin, doubled, side="right") - 1
        at = at[(at >= 0) & (doubled < until[np.maximum(at, 0)])]
        at, twice = np.unique(at, return_counts=True)
        chars[at] -= twice
        for i in at.tolist():
            digests[i] = xxh3_64_intdigest(block[first[i] : last[i]].replace(b'""', b'"'))
    at = np.flatnonzero(wide_spans(block, begin, until))
    sizes = np.array(hashing.characters(block, begin[at].tolist(), until[at].tolist()), np.int64)
    for i in at[sizes < 0].tolist():
        byte = _wrong_byte(block[first[i] : last[i]])
        odd.setdefault(i, []).append(Problem("not_utf8", name, {"byte": byte}))
    chars[at] += sizes - (until[at] - begin[at])
    unsure = unsure_spans(block, begin) & (block_bytes(block).take(begin) != 92)
    for i in np.flatnonzero(unsure | (until <= begin)).tolist():
        text = block[first[i] : last[i]].decode("utf-8", "replace")
        if is_blank(text):
            odd.setdefault(i, []).append(Problem("empty_field", name, {"length": len(text)}))
    return digests, chars


def _wrong_byte(text: bytes) -> str:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"0x{text[error.start]:02x}"
    return ""


def block_bytes(block: bytes) -> NDArray[Any]:
    """Return a block as an array."""
    import numpy as np

    return np.frombuffer(block, np.uint8)


def _labels(block: bytes, begin: NDArray[Any], until: NDArray[Any]) -> tuple[Any, Any, list[Any]]:
    """Return digest, canonical form and problem of each different label, and which row has it.

    Labels of up to 16 bytes are told apart by 64 bits made of their first and last eight.
    """
    import numpy as np
    from xxhash import xxh3_64_intdigest

    size = until - begin
    if size.max(initial=0) <= 16:
        short = np.minimum(size, 8)
        mixed = load(block, begin, short) + load(block, until - short, short) * np.uint64(_ODD)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(_ODD) + size.astype(np.uint64)
        _, where, inverse = np.unique(mixed, return_index=True, return_inverse=True)
        made = [
            block[a:b] for a, b in zip(begin[where].tolist(), until[where].tolist(), strict=True)
        ]
    else:
        known: dict[bytes, int] = {}
        spans = zip(begin.tolist(), until.tolist(), strict=True)
        inverse = np.array([known.setdefault(block[a:b], len(known)) for a, b in spans])
        made = list(known)
    values = [_label(label) for label in made]
    numbers = np.array([xxh3_64_intdigest(value) for value, _ in values], np.uint64)
    return numbers, inverse, values


def _label(label: bytes) -> tuple[bytes, tuple[str, dict[str, Any]] | None]:
    """Return a label's canonical form, or what is wrong with it."""
    try:
        text = label.replace(b'""', b'"').decode("utf-8")
    except UnicodeDecodeError as error:
        return b"", ("not_utf8", {"byte": f"0x{label[error.start]:02x}"})
    if is_blank(text):
        return b"", ("empty_field", {"length": len(text)})
    return json_bytes()(text)[1:-1], None


def _holds(block: bytes, begin: NDArray[Any], until: NDArray[Any], sign: int) -> NDArray[Any]:
    """Return which spans hold a byte."""
    import numpy as np

    places = np.flatnonzero(np.frombuffer(block, np.uint8) == sign)
    return np.searchsorted(places, until) > np.searchsorted(places, begin)


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
