"""Scanning a byte range of a JSON Lines file, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.jsonl.classify import classify
from ft_runtime.doctor.jsonl.compiled import count_flaws
from ft_runtime.doctor.jsonl.explain import explain
from ft_runtime.doctor.jsonl.faults import NotJsonError
from ft_runtime.doctor.jsonl.hints import risky_lines
from ft_runtime.doctor.jsonl.layout import Layout
from ft_runtime.doctor.jsonl.plain import accept, accept_none
from ft_runtime.doctor.jsonl.value import Explained
from ft_runtime.doctor.jsonl.words import PAD
from ft_runtime.doctor.opening import read_at
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem, is_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Share of plain rows below which the fast path is a loss.
_WORTH = 0.1
# Blocks until the fast path is tried again where it was one.
_PAUSE = 16
# Rows of a block to be explained from which it pays to look at the block as a whole first.
_MANY = 64
# Rows explained in a block until it is asked again which kinds were told enough.
_SOME = 32
# Bytes that end a line and are no part of it.
_ENDS = 2
_BLANK = ("blank_line",)

Marker = Callable[[bytes, int, "NDArray[Any]", int, Part], None]


def scan_range(
    handle: int,
    start: int,
    stop: int,
    size: int,
    layout: Layout,
    *,
    block: int,
    limit: int,
    exact: bool = True,
    marker: Marker | None = None,
    feed: Callable[[Any], None] | None = None,
) -> Part:
    """Scan the lines that begin in ``[start, stop)``.

    Parameters
    ----------
    handle : int
        An open file.
    size : int
        Its size when the scan began: nothing behind it is read.
    block : int
        Bytes read at once.
    limit : int
        Longest line, in bytes, that is looked at; a longer one is broken.
    exact : bool
        A line begins at `start`; otherwise the first line behind it is looked for.
    marker : callable, optional
        Gets each block, its end, where its lines begin, the number of lines before it, and the
        part: finds secrets.
    feed : callable, optional
        Gets the bytes in their order: a digest.
    """
    position = start if exact else next_line(handle, start - 1, size, block)
    part = Part(position, position, total=min(stop, size) - position)
    skip = 0
    while position < min(stop, size):
        data = read_at(handle, min(block, size - position), position)
        end = data.rfind(b"\n") + 1
        last = position + len(data) >= size
        if data and not end and not last:  # a line that is longer than a block
            after = next_line(handle, position + len(data), size, block)
            if after - position > limit + _ENDS:
                feed_range(handle, position, after, block, feed)
                _count_long(part, limit)
                position = after
                continue
            data = read_at(handle, after - position, position)
            end, last = data.rfind(b"\n") + 1, after >= size
            if len(data) < after - position or not (end or last):  # the file became shorter
                data = b""
        if not data:
            part.changed = True
            part.stop = position
            return part
        if last and end < len(data):
            data += b"\n"
            end = len(data)
        if position + end > stop > position:
            # The last block of the range: up to the end of the line that holds byte stop - 1.
            cut = data.find(b"\n", stop - 1 - position) + 1
            end = cut if cut else end
        share = _scan_block(
            data, end, layout, part, limit, marker, quick=not skip or layout.reader is not None
        )
        # Where nearly every row is broken, the fast path is tried on one block of some alone.
        skip = (skip or _PAUSE) - 1 if share < _WORTH else 0
        whole = min(end, size - position)
        if feed:
            feed(memoryview(data)[:whole])
        position += whole
        part.stop = position
    part.stop = position
    return part


def _scan_block(
    data: bytes,
    end: int,
    layout: Layout,
    part: Part,
    limit: int,
    marker: Marker | None,
    *,
    quick: bool,
) -> float:
    """Add the lines of a block to the part; return the share that the fast path took."""
    import numpy as np

    if len(data) - end < PAD:
        data += bytes(PAD)
    found = accept(data, end, layout) if quick else accept_none(data, end)
    content, prompt, chars = found.content, found.prompt, found.chars
    if end > limit:  # whatever the size of a block, the longest line is the same
        found.fine &= found.ends - found.starts <= limit
        if found.flaws is not None:
            found.flaws[found.ends - found.starts > limit] = 0
    closer = np.flatnonzero(~found.fine)
    share = 1 - closer.size / max(found.fine.size, 1)
    closer = count_flaws(found, closer, part)
    base = part.lines
    fine = found.fine
    blank: set[int] = set()
    risks = risky_lines(data, end, found.starts) if closer.size > _MANY else None
    told, explained = part.log.told(), 0
    counted: Counter[tuple[str, ...]] = Counter()
    enough: dict[tuple[str, ...], bool] = {}
    for i, a, b in zip(
        closer.tolist(), found.starts[closer].tolist(), found.ends[closer].tolist(), strict=True
    ):
        row = None if b - a <= limit else _too_long(limit)
        if row is None:
            line, sound = data[a:b], True
            risky = None if risks is None else i in risks
            if told:
                try:
                    codes = classify(line, layout, risky, part.extras)
                except NotJsonError:
                    codes, sound = None, False
                if codes:
                    kinds = tuple(codes)
                    if kinds not in enough:
                        enough[kinds] = told.issuperset(kinds) and any(map(is_error, kinds))
                    if enough[kinds]:
                        counted[kinds] += 1
                        if kinds == _BLANK:
                            blank.add(i)
                        continue
            row = explain(line, layout, risky, sound=sound)
        if row.extras:
            part.extras |= row.extras
        if row.problems:
            part.log.add(base + i + 1, row.problems)
            explained += 1
            if explained % _SOME == 0 and len(now := part.log.told()) > len(told):
                told = now
                enough.clear()
            if row.problems[0].code == "blank_line":
                blank.add(i)
        if row.content or row.fine:
            fine[i] = True
            content[i], prompt[i], chars[i] = row.content, row.prompt, row.chars
            if row.label is not None:
                part.labels[row.label] += 1
        else:
            part.broken += 1
    for kinds, count in counted.items():
        part.log.count(kinds, count)
        part.broken += count
    part.note_blank(fine.size, blank)
    part.labels.update(found.labels)
    part.add_lengths(chars[fine])
    part.lines += fine.size
    part.rows += fine.size
    part.crlf += found.crlf
    part.add_numbers(content, prompt)
    if marker:
        marker(data, end, found.starts, base, part)
    return share


def _too_long(limit: int) -> Explained:
    return Explained([Problem("line_too_long", values={"limit": limit})])


def next_line(handle: int, position: int, size: int, block: int) -> int:
    """Return where the line after the one at `position` begins."""
    while position < size:
        data = read_at(handle, min(block, size - position), position)
        if not data:
            return position
        found = data.find(b"\n")
        if found >= 0:
            return position + found + 1
        position += len(data)
    return position


def pass_line(
    handle: int, position: int, size: int, block: int, feed: Callable[[Any], None] | None
) -> int:
    """Return where the line after the one at `position` begins, and feed what is passed."""
    after = next_line(handle, position, size, block)
    feed_range(handle, position, after, block, feed)
    return after


def feed_range(
    handle: int, start: int, stop: int, block: int, feed: Callable[[Any], None] | None
) -> None:
    """Feed the bytes of a range that is not looked at."""
    while feed and start < stop and (data := read_at(handle, min(block, stop - start), start)):
        feed(data)
        start += len(data)


def _count_long(part: Part, limit: int) -> None:
    """Count a line that is longer than the limit, and was never held in memory."""
    import numpy as np

    part.lines += 1
    part.rows += 1
    part.broken += 1
    part.log.add(part.lines, _too_long(limit).problems)
    part.add_numbers(np.zeros(1, np.uint64), np.zeros(1, np.uint64))
