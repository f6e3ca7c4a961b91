"""Splitting a block of CSV into records and cells, by the positions of its signs.

A block begins at the start of a record. Quotes take turns in opening and closing; a separator or
line break with an even number of quotes before it is one. That is right as long as each opening
quote stands at the start of a cell and each closing one at its end (or is doubled). The first
quote that does not ends the stretch that can be split this way; `broken` then names the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class Split:
    """The records of a block, up to `end`.

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
    problem : tuple of (code, int) or None
        ``stray_quote`` or ``unbalanced_quote``, and where the quote stands.
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
    problem: tuple[str, int] | None
    returns: NDArray[Any]
    doubled: NDArray[Any]


def split(block: bytes, size: int, delimiter: int, final: bool) -> Split:
    """Split ``block[:size]``, which begins at the start of a record.

    Parameters
    ----------
    block : bytes
        With at least one byte behind `size`.
    final : bool
        Whether the file ends at `size` (which then is behind a line break).
    """
    import numpy as np

    data = np.frombuffer(block, np.uint8, count=size)
    mask = data == 34
    mask |= data == delimiter
    mask |= data == 10
    at = np.flatnonzero(mask)
    sign = data.take(at)
    quote = sign == 34
    problem = None
    doubled = at[:0]
    if quote.any():
        before = np.cumsum(quote, dtype=np.int32)
        places = at[quote]
        problem = _misplaced(block, places, delimiter, size, final)
        reopened, shut = places[2::2], places[1::2]
        doubled = reopened[reopened == shut[: reopened.size] + 1]
        outside = ((before & 1) == 0) & ~quote
        if problem:
            outside &= at < problem[2]
        separators = at[outside]
        kinds = sign[outside]
    else:
        separators, kinds = at, sign
    is_end = kinds == 10
    last = np.flatnonzero(is_end)
    ends = separators[last]
    end = int(ends[-1]) + 1 if ends.size else 0
    separators = separators[: int(last[-1]) + 1] if ends.size else separators[:0]
    cells = np.diff(last, prepend=-1)
    starts = np.empty_like(ends)
    if ends.size:
        starts[0] = 0
        starts[1:] = ends[:-1] + 1
    breaks = at[sign == 10]
    lines = np.searchsorted(breaks, ends, side="right") if quote.any() else np.arange(ends.size) + 1
    returns = (ends > starts) & (data.take(np.maximum(ends - 1, 0)) == 13)
    # A record that holds the bad quote is left to the caller, from its first byte on.
    found = (problem[0], problem[1]) if problem else None
    return Split(starts, ends - returns, cells, separators, lines, end, found, returns, doubled)


def _misplaced(
    block: bytes, quotes: NDArray[Any], delimiter: int, size: int, final: bool
) -> tuple[str, int, int] | None:
    """Return the first quote that cannot stand where it does: what, the opener, the place."""
    import numpy as np

    data = np.frombuffer(block, np.uint8)
    opening, closing = quotes[0::2], quotes[1::2]
    previous = data.take(np.maximum(opening - 1, 0))
    good = (previous == delimiter) | (previous == 10) | (opening == 0)
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
        return "unbalanced_quote", int(opening[i]), int(opening[i])
    if final and opening.size > closing.size:
        i = opening.size - 1
        while i and opening[i] == closing[i - 1] + 1:
            i -= 1
        return "unbalanced_quote", int(opening[i]), int(opening[i])
    return None
