"""Splitting a block of CSV into records and cells, by the positions of its signs.

A block begins at the start of a record. Quotes take turns in opening and closing; a separator or
line break with an even number of quotes before it is one. That is right as long as each opening
quote stands at the start of a cell and each closing one at its end (or is doubled). The first
quote that does not ends the stretch that can be split this way; `broken` then names the record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.problems import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class Split:
    """The records of a stretch of a block, up to `end`.

    Attributes
    ----------
    starts, ends : ndarray, shape (records,)
        First byte of each record, and the byte after its last (line end not included).
    cells : ndarray, shape (records,)
        How many cells each has.
    separators : ndarray
        Positions of all separators and record ends, in order.
    lines : ndarray, shape (records,)
        Line breaks up to and with the record's own: physical lines.
    end : int
        Where the next record begins.
    problem : tuple of (code, int, int) or None
        ``stray_quote`` or ``unbalanced_quote``, where the quote stands, and for the latter where
        the next one stands, or the file ends, that should have closed the cell.
    returns : ndarray of bool, shape (records,)
        Whether the record ends in CR LF.
    doubled : ndarray
        Positions of the second quote of each doubled pair.
    """

    starts: NDArray[Any]
    ends: NDArray[Any]
    cells: NDArray[Any]
    separators: NDArray[Any]
    lines: NDArray[Any]
    end: int
    problem: tuple[str, int, int] | None
    returns: NDArray[Any]
    doubled: NDArray[Any]


@dataclass
class Signs:
    """Quotes, delimiters and line breaks of a block, found once.

    Attributes
    ----------
    block : bytes
        With at least one byte behind `size`.
    size : int
    delimiter : int
    at : ndarray
        Where they stand.
    sign : ndarray of uint8
        Which they are.
    """

    block: bytes
    size: int
    delimiter: int
    at: NDArray[Any]
    sign: NDArray[Any]


def find_signs(block: bytes, size: int, delimiter: int) -> Signs:
    """Find the signs of ``block[:size]``."""
    import numpy as np

    data = np.frombuffer(block, np.uint8, count=size)
    mask = data == 34
    mask |= data == delimiter
    mask |= data == 10
    at = np.flatnonzero(mask)
    return Signs(block, size, delimiter, at, data.take(at))


def split(signs: Signs, start: int, first: int, last: int, final: bool) -> Split:
    """Split a stretch of a block that begins at the start of a record.

    Parameters
    ----------
    start : int
        Where the stretch begins.
    first, last : int
        The signs of the stretch.
    final : bool
        Whether the file ends with the last of these signs.
    """
    import numpy as np

    block, size, delimiter = signs.block, signs.size, signs.delimiter
    data = np.frombuffer(block, np.uint8, count=size)
    at, sign = signs.at[first:last], signs.sign[first:last]
    quote = sign == 34
    problem = None
    doubled = at[:0]
    quoted = bool(quote.any())
    if quoted:
        before = np.cumsum(quote, dtype=np.int32)
        places = at[quote]
        problem = _misplaced(block, places, delimiter, size, final, start)
        reopened, shut = places[2::2], places[1::2]
        doubled = reopened[reopened == shut[: reopened.size] + 1]
        outside = ((before & 1) == 0) & ~quote
        if problem:
            outside &= at < problem[1]
        order = np.flatnonzero(outside)
        separators, kinds = at.take(order), sign.take(order)
    else:
        separators, kinds = at, sign
    records = np.flatnonzero(kinds == 10)
    ends = separators[records]
    end = int(ends[-1]) + 1 if ends.size else start
    separators = separators[: int(records[-1]) + 1] if ends.size else separators[:0]
    cells = records.copy()
    cells[1:] -= records[:-1]
    cells[:1] += 1
    starts = np.empty_like(ends)
    if ends.size:
        starts[0] = start
        starts[1:] = ends[:-1] + 1
    if quoted:
        lines = np.cumsum(sign == 10, dtype=np.int32).take(order.take(records))
    else:
        lines = np.arange(ends.size) + 1
    returns = (ends > starts) & (data.take(np.maximum(ends - 1, 0)) == 13)
    # A record that holds the bad quote is left to the caller, from its first byte on.
    return Split(starts, ends - returns, cells, separators, lines, end, problem, returns, doubled)


def _misplaced(
    block: bytes, quotes: NDArray[Any], delimiter: int, size: int, final: bool, start: int
) -> tuple[str, int, int] | None:
    """Return the first quote that cannot stand where it does: what, the opener, the next quote."""
    import numpy as np

    data = np.frombuffer(block, np.uint8)
    opening, closing = quotes[0::2], quotes[1::2]
    previous = data.take(np.maximum(opening - 1, 0))
    good = (previous == delimiter) | (previous == 10) | (opening == start)
    good[1:] |= opening[1:] == closing[: opening.size - 1] + 1
    after = data.take(closing + 1)
    shut = (after == delimiter) | (after == 10) | (closing + 1 >= size)
    shut |= (after == 13) & (data.take(np.minimum(closing + 2, data.size - 1)) == 10)
    pairs = min(closing.size, opening.size - 1)
    shut[:pairs] |= opening[1 : pairs + 1] == closing[:pairs] + 1
    stray = np.flatnonzero(~good)
    loose = np.flatnonzero(~shut)
    first_stray = int(opening[stray[0]]) if stray.size else None
    first_loose = int(closing[loose[0]]) if loose.size else None
    if first_stray is not None and (first_loose is None or first_stray < first_loose):
        return "stray_quote", first_stray, first_stray
    if first_loose is not None:
        i = int(loose[0])
        while i and opening[i] == closing[i - 1] + 1:
            i -= 1
        return "unbalanced_quote", int(opening[i]), first_loose
    if final and opening.size > closing.size:
        i = opening.size - 1
        while i and opening[i] == closing[i - 1] + 1:
            i -= 1
        return "unbalanced_quote", int(opening[i]), size
    return None


@dataclass
class Records:
    """The records of a block, those that a quote spoils among them.

    Attributes
    ----------
    starts, ends, returns, doubled
        As in `Split`.
    cells : ndarray, shape (records,)
        0 for a record that a quote spoils.
    separators : ndarray
        As in `Split`, of the other records.
    lines : ndarray, shape (records,)
        Physical line on which each begins, counted from 0 at the first.
    faults : list of (int, Problem)
        Of the records that a quote spoils, in order: line, counted in the same way, and problem.
    """

    starts: NDArray[Any]
    ends: NDArray[Any]
    cells: NDArray[Any]
    separators: NDArray[Any]
    lines: NDArray[Any]
    returns: NDArray[Any]
    doubled: NDArray[Any]
    faults: list[tuple[int, Problem]] = field(default_factory=list)


class Gathered:
    """Collects the records of a block, stretch by stretch."""

    def __init__(self) -> None:
        self._pieces: list[tuple[Any, ...]] = []
        self._faults: list[tuple[int, Problem]] = []
        self.lines = 0

    def add(self, found: Split, keep: int) -> None:
        """Add the first `keep` records of a stretch."""
        import numpy as np

        lines: Any = np.empty(keep, np.int64)
        lines[0], lines[1:] = self.lines, found.lines[: keep - 1]
        lines[1:] += self.lines
        self.lines += int(found.lines[keep - 1])
        cells = found.cells[:keep]
        separators = found.separators
        if keep < found.ends.size:
            separators = separators[: int(cells.sum())]
        self._pieces.append(
            (found.starts[:keep], found.ends[:keep], cells, separators, lines,
             found.returns[:keep], found.doubled[found.doubled < found.ends[keep - 1]])
        )  # fmt: skip

    def spoilt(self, start: int, stop: int, lines: int, problem: Problem) -> None:
        """Add a record of some lines that a quote spoils."""
        import numpy as np

        none: Any = np.zeros(0, np.int64)
        one = [np.array([value]) for value in (start, stop - 1, 0, self.lines, False)]
        self._pieces.append((one[0], one[1], one[2], none, one[3], one[4], none))
        self._faults.append((self.lines, problem))
        self.lines += lines

    def records(self) -> Records | None:
        """Return all of them; None when there are none."""
        import numpy as np

        if not self._pieces:
            return None
        if len(self._pieces) == 1:
            found = Records(*self._pieces[0])
        else:
            found = Records(*(np.concatenate(each) for each in zip(*self._pieces, strict=True)))
        found.faults = self._faults
        return found
