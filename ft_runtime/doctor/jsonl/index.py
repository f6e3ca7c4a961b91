"""Where the strings of a block of JSON lines lie, found for the whole block at once.

All bytes that matter to the structure (quotes, backslashes, control characters) are found with a
few passes over the block; what follows works on their positions alone. A line whose text between
the strings is made of the few forms that plain rows have is *plain*, and needs no JSON parser:
which strings are keys, which are values and where each text begins and ends is then known.
Everything else is left to `explain`. Being plain is a proof, not a guess: the first quote of a
line follows ``{``, no backslash can stand outside a string of a plain line, so quotes pair up;
escapes are checked here or by the decoder, and bytes above 127 by whoever cuts the text out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.jsonl import gaps
from ft_runtime.doctor.jsonl.words import Lookup

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STRETCH = 1 << 17


@dataclass
class Index:
    """The strings of a block. Strings of lines that are not plain are present too: see `plain`.

    Attributes
    ----------
    starts, ends : ndarray, shape (lines,)
        First byte of each line, and the byte after its last (line end not included).
    plain : ndarray of bool, shape (lines,)
    first, count : ndarray, shape (lines,)
        Index of the line's first string, and how many it has.
    opens, closes : ndarray, shape (strings,)
        Positions of the quotes.
    after : ndarray of uint8, shape (strings,)
        What follows each string: a code of `gaps`.
    line : ndarray, shape (strings,)
        Line of each string.
    escapes : ndarray, shape (strings,)
        How many two-byte escapes the string has.
    decode : ndarray of bool, shape (strings,)
        Whether the string has escapes (backslash and u or slash) that only a decoder resolves.
    crlf : int
        Lines that end in CR LF.
    slashes : bool
        Whether any slash is escaped.
    """

    starts: NDArray[Any]
    ends: NDArray[Any]
    plain: NDArray[Any]
    first: NDArray[Any]
    count: NDArray[Any]
    opens: NDArray[Any]
    closes: NDArray[Any]
    after: NDArray[Any]
    line: NDArray[Any]
    escapes: NDArray[Any]
    decode: NDArray[Any]
    crlf: int
    slashes: bool


@cache
def _escape_kinds() -> NDArray[Any]:
    """0: not for a plain line; 1: stands for one character; 2 and 3: let a decoder look."""
    import numpy as np

    kinds: Any = np.zeros(256, np.uint8)
    kinds[list(b'"\\nrt')] = 1  # b and f are legal, and control characters: not plain
    kinds[list(b"u")] = 2
    kinds[list(b"/")] = 3
    return kinds


def index(block: bytes, end: int, lookup: Lookup) -> Index:
    """Index the lines in ``block[:end]``.

    Parameters
    ----------
    block : bytes
        Whole lines up to `end`, then at least `words.PAD` bytes of anything.
    end : int
        The byte after the last newline.
    lookup : Lookup
        `gaps.lookup()`.
    """
    import numpy as np

    data = np.frombuffer(block, np.uint8, count=end)
    at = np.flatnonzero(_signs(data))
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
    decoded, slashes = None, False
    if escaping is not None:
        is_quote &= ~escaped
        marks = np.flatnonzero(escaping)
        kinds: Any = np.zeros(at.size, np.uint8)
        kinds[marks] = _escape_kinds().take(data.take(at.take(marks) + 1))
        wrong = marks[kinds[marks] == 0]
        if wrong.size:
            plain[np.searchsorted(newline, at[wrong])] = False
        escapes_before = np.cumsum(escaping, dtype=np.int32)
        marked = kinds >= 2
        resolve = np.flatnonzero(marked)
        if resolve.size:
            decoded = np.cumsum(marked, dtype=np.int32)
            slashes = bool((kinds == 3).any())
            _escaped_controls(block, at.take(resolve), newline, plain)
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
    count >>= 1
    first = np.cumsum(count) - count
    opens, closes = quotes[0::2], quotes[1::2]
    has = count > 0
    after = gaps.classify(block, opens, closes, (first + count - 1)[has], ends[has], lookup)
    plain[has] &= (opens[first[has]] == starts[has] + 1) & (data[starts[has]] == 123)
    line: Any = np.repeat(np.arange(starts.size), count)
    gaps.check(after, first[has], (first + count - 1)[has], line, plain)
    if escaping is None:
        escapes = np.zeros(opens.size, np.int64)
    else:
        escapes = escapes_before[rank[1::2]] - escapes_before[rank[0::2]]
    if decoded is None:
        decode = np.zeros(opens.size, bool)
    else:
        decode = decoded[rank[1::2]] > decoded[rank[0::2]]
    return Index(
        starts,
        ends,
        plain,
        first,
        count,
        opens,
        closes,
        after,
        line,
        escapes,
        decode,
        crlf,
        slashes,
    )


def _signs(data: NDArray[Any]) -> NDArray[Any]:
    """Return where quotes, backslashes and control characters stand."""
    import numpy as np

    mask: Any = np.empty(data.size, bool)
    other: Any = np.empty(_STRETCH, bool)
    for start in range(0, data.size, _STRETCH):  # stretches that stay in the cache
        part = data[start : start + _STRETCH]
        here = np.less(part, 32, out=mask[start : start + part.size])
        here |= np.equal(part, 34, out=other[: part.size])
        here |= np.equal(part, 92, out=other[: part.size])
    return mask


def _escaped_controls(
    block: bytes, at: NDArray[Any], newline: NDArray[Any], plain: NDArray[Any]
) -> None:
    """Clear `plain` where a backslash, u, 00 and then 0 or 1 write a control character."""
    import numpy as np

    data = np.frombuffer(block, np.uint8)
    zero = at[data.take(at + 2) == 48]
    zero = zero[data.take(zero + 3) == 48]
    zero = zero[(data[zero + 4] | 1) == 49]
    plain[np.searchsorted(newline, zero)] = False


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
    order = np.arange(inner.size)
    fresh = np.diff(inner, prepend=-9) != 1
    place = order - np.maximum.accumulate(np.where(fresh, order, 0))
    escaping = slash.copy()
    escaping[inner[(place & 1) == 0]] = False
    escaped = follows
    escaped[1:] &= escaping[:-1]
    return escaping, escaped
