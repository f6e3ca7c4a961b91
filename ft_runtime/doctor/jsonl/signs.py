r"""Where the signs of a block of JSON lines lie, found for the whole block at once.

A few passes over the bytes find quotes, backslashes and line ends; all that follows works on
their positions. The backslash of ``\uXXXX`` is no sign here: text in other alphabets would be
made of little else. Leaving out each backslash that a ``u`` follows leaves the count of the
others right, for in a run of backslashes it is the last alone, and it escapes nothing but the u.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STRETCH = 1 << 18
_HIGH = 0x8080808080808080


@dataclass
class Signs:
    r"""The lines and quotes of a block.

    Attributes
    ----------
    block : bytes
    starts, ends : ndarray, shape (lines,)
        First byte of each line, and the byte after its last (line end not included).
    plain : ndarray of bool, shape (lines,)
        Not empty, no control character, no escape that ends or begins nothing, quotes in pairs.
    first, count : ndarray, shape (lines,)
        Index of the line's first quote, and how many it has; 0 where they do not pair up.
    quotes : ndarray
        Positions of the quotes that open and close strings.
    escapes : ndarray
        How many two-byte escapes stand before each quote; empty when the block has none.
    units : ndarray of bool or None
        Which bytes begin a ``\u`` or an escaped slash; None when none does.
    crlf : int
        Lines that end in CR LF.
    slashes : bool
        Whether any slash is escaped.
    """

    block: bytes
    starts: NDArray[Any]
    ends: NDArray[Any]
    plain: NDArray[Any]
    first: NDArray[Any]
    count: NDArray[Any]
    quotes: NDArray[Any]
    escapes: NDArray[Any]
    units: NDArray[Any] | None
    crlf: int
    slashes: bool

    def escaped(self, opens: NDArray[Any], closes: NDArray[Any]) -> NDArray[Any]:
        """Return how many two-byte escapes lie between pairs of quotes, given by index."""
        import numpy as np

        if not self.escapes.size:
            return np.zeros(opens.size, np.int64)
        return self.escapes.take(closes) - self.escapes.take(opens)

    def wide(self, begin: NDArray[Any], until: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return which spans have bytes above 127, and which have escapes to be decoded.

        A few spans are named besides, whose neighbours have them.
        """
        import numpy as np

        nothing: Any = np.zeros(begin.size, bool)
        if not begin.size:
            return nothing, nothing
        wide = wide_spans(self.block, begin, until)
        if self.units is None:
            return wide, nothing
        return wide, _any(self.units.view(np.uint64), begin, until) != 0


def wide_spans(block: bytes, begin: NDArray[Any], until: NDArray[Any]) -> NDArray[Any]:
    """Return which spans hold bytes above 127; a few that hold none are named too."""
    import numpy as np

    if block.isascii() or not begin.size:
        return np.zeros(begin.size, bool)
    words = np.frombuffer(block, np.uint64, count=len(block) >> 3)
    return (_any(words, begin, until) & np.uint64(_HIGH)) != 0


def _any(words: NDArray[Any], begin: NDArray[Any], until: NDArray[Any]) -> NDArray[Any]:
    """Return the bits set in any of the words that a span touches."""
    import numpy as np

    found: NDArray[Any]
    if (begin[1:] - until[:-1]).min(initial=8) >= 8:  # no word holds bytes of two spans
        # What stands between a span and the next counts as well: one pass over half the bounds.
        words = words[: (int(until[-1]) >> 3) + 1]
        found = np.bitwise_or.reduceat(words, begin >> 3)
        return found
    bounds = np.empty(2 * begin.size, np.int64)
    bounds[0::2], bounds[1::2] = begin >> 3, (until >> 3) + 1
    found = np.bitwise_or.reduceat(words, bounds)[0::2]
    return found


@cache
def _escape_kinds() -> NDArray[Any]:
    """0: not for a plain line; 1: stands for one character; 2: let a decoder look."""
    import numpy as np

    kinds: Any = np.zeros(256, np.uint8)
    kinds[list(b'"\\nrt')] = 1  # b and f are legal, and control characters: not plain
    kinds[list(b"/")] = 2
    return kinds


def find_signs(block: bytes, end: int, scratch: Scratch | None = None) -> Signs:
    """Find the signs of the lines in ``block[:end]``.

    Parameters
    ----------
    block : bytes
        Whole lines up to `end`, then at least `words.PAD` bytes of anything.
    end : int
        The byte after the last newline.
    scratch : Scratch, optional
        The result uses its arrays until the next call.
    """
    import numpy as np

    data = np.frombuffer(block, np.uint8, count=end)
    mask, units = _masks(block, end, scratch or Scratch())
    at = np.flatnonzero(mask)
    sign = data.take(at)
    is_end = sign == 10
    ends = at[is_end]
    starts = np.empty_like(ends)
    starts[0] = 0
    np.add(ends[:-1], 1, out=starts[1:])
    plain = ends > starts + 1
    newline, crlf = ends, 0
    control = np.flatnonzero((sign < 32) & ~is_end)
    if control.size:
        crlf, ends = _control(at[control], data, newline, ends, plain)

    escaping, escaped = _escapes(at, sign)
    is_quote = sign == 34
    before, slashes = None, False
    if escaping is not None:
        is_quote &= ~escaped
        opener: Any = at.take(np.flatnonzero(escaping))
        kinds = _escape_kinds().take(data.take(opener + 1))
        wrong = opener[kinds == 0]
        if wrong.size:
            plain[np.searchsorted(newline, wrong)] = False
        slashed = opener[kinds == 2]
        slashes = bool(slashed.size)
        if slashes:
            units = np.zeros(len(block) >> 3 << 3, bool) if units is None else units
            units[slashed] = True
        before = np.cumsum(escaping, dtype=np.int32)
    rank = np.flatnonzero(is_quote)
    quotes: Any = at.take(rank)
    first = np.searchsorted(quotes, starts)
    count = np.diff(first, append=quotes.size)
    odd = (count & 1).astype(bool) | (count == 0)
    if odd.any():
        plain &= ~odd
        keep: Any = np.repeat(~odd, count)
        quotes, rank = quotes[keep], rank[keep]
        count[odd] = 0
        first = np.cumsum(count) - count
    escapes = before.take(rank) if before is not None else np.zeros(0, np.int32)
    return Signs(
        block, starts, ends, plain, first, count, quotes, escapes, units, crlf, slashes
    )  # fmt: skip


class Scratch:
    """Arrays as long as a block that are used again for the next: fresh memory is slow."""

    def __init__(self) -> None:
        self._size = -1

    def arrays(self, size: int) -> tuple[Any, Any, Any, Any]:
        """Return arrays for the signs and escapes of a block, and two for a stretch of it."""
        import numpy as np

        if size > self._size or self._size > 4 * size + (1 << 22):
            self._size = size
            whole = (size | 7) + 1
            self._mask: Any = np.empty(whole, bool)
            self._units: Any = np.empty(whole, bool)
            self._one: Any = np.empty(_STRETCH, np.uint8)
            self._two: Any = np.empty(_STRETCH, bool)
        return self._mask, self._units, self._one, self._two


def _masks(block: bytes, end: int, scratch: Scratch) -> tuple[Any, Any]:
    """Return where signs stand, and where a backslash stands before a u; None if nowhere."""
    import numpy as np

    data = np.frombuffer(block, np.uint8)
    mask, units, one, two = scratch.arrays(len(block))
    found = False
    for start in range(0, end, _STRETCH):  # stretches that stay in the cache
        stop = min(start + _STRETCH, end)
        part, size = data[start:stop], stop - start
        # One test for control characters and the quote: 34 ^ 2 is 32, and nothing else is.
        here = np.less(
            np.bitwise_xor(part, 2, out=one[:size]), 33, out=mask[start:stop]
        )  # fmt: skip
        slash = np.equal(part, 92, out=two[:size])
        unit = np.equal(data[start + 1 : stop + 1], 117, out=units[start:stop])
        unit &= slash
        if found or unit.any():
            found = True
            slash ^= unit
        here |= slash
    if not found:
        return mask[:end], None
    units = units[: len(block) >> 3 << 3]
    units[end:] = False
    return mask[:end], units


def _control(
    at: NDArray[Any],
    data: NDArray[Any],
    newline: NDArray[Any],
    ends: NDArray[Any],
    plain: NDArray[Any],
) -> tuple[int, NDArray[Any]]:
    """Take a CR before a newline off its line; a line with any other control is not plain."""
    import numpy as np

    crlf = (data[at] == 13) & (data[np.minimum(at + 1, data.size - 1)] == 10)
    at_line: Any = np.searchsorted(newline, at)
    plain[at_line[~crlf]] = False
    ends = ends.copy()
    ends[at_line[crlf]] -= 1
    return int(np.count_nonzero(crlf)), ends


def _escapes(at: NDArray[Any], sign: NDArray[Any]) -> tuple[Any, Any]:
    """Return which of the signs are backslashes that escape, and which signs are escaped."""
    import numpy as np

    slash = sign == 92
    if not slash.any():
        return None, None
    follows = np.zeros(at.size, bool)
    np.equal(at[1:], at[:-1] + 1, out=follows[1:])
    follows[1:] &= slash[:-1]  # this sign stands right behind a backslash
    inner = np.flatnonzero(slash & follows)
    if not inner.size:
        return slash, follows
    # In a run of backslashes the first, third, ... escape what follows them.
    fresh: Any = np.ones(inner.size, bool)
    np.not_equal(inner[1:], inner[:-1] + 1, out=fresh[1:])
    escaping = slash.copy()
    if not fresh.all():
        order = np.arange(inner.size)
        place = order - np.maximum.accumulate(np.where(fresh, order, 0))
        inner = inner[(place & 1) == 0]
    escaping[inner] = False
    escaped = follows
    escaped[1:] &= escaping[:-1]
    return escaping, escaped
