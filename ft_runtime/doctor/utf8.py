"""How many characters each of many byte strings has, without making a text of any of them.

The strings are laid out one behind the other, and a few passes over all their bytes tell whether
they are UTF-8 (the table of well-formed sequences in the Unicode standard, section 3.9) and how
many bytes of each only continue a character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GAP = bytes(8)  # between two strings: no word of eight bytes holds bytes of both
_ONES = 0x0101010101010101
# Strings are looked at in batches whose passes stay in the processor's cache.
_BATCH = 1 << 18
# First bytes after which the second has narrower bounds: no overlong form, no half of a
# surrogate pair, nothing above U+10FFFF.
_LEAST = ((b"\xe0", 0xA0), (b"\xf0", 0x90))
_MOST = ((b"\xed", 0x9F), (b"\xf4", 0x8F))


def characters(spans: Sequence[bytes | memoryview], sizes: NDArray[Any]) -> NDArray[Any]:
    """Return how many characters each string has as UTF-8, -1 where it is none.

    Parameters
    ----------
    spans : sequence of bytes or memoryview
    sizes : ndarray of int, shape (n,)
        Their lengths in bytes.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    import numpy as np

    found: Any = np.empty(len(spans), np.int64)
    ends = np.cumsum(sizes)
    first = 0
    while first < len(spans):
        done = int(ends[first]) - int(sizes[first])
        last = max(int(np.searchsorted(ends, done + _BATCH)), first + 1)
        found[first:last] = _batch(spans[first:last], sizes[first:last])
        first = last
    return found


def _batch(spans: Sequence[bytes | memoryview], sizes: NDArray[Any]) -> Any:
    import numpy as np

    room = sizes + len(_GAP)
    begin = np.cumsum(room) - room
    joined = _GAP.join(spans)
    joined += bytes(16 - (len(joined) & 7))
    data = np.frombuffer(joined, np.uint8)
    inner = data.view(np.int8) < np.int8(-64)  # 10xxxxxx continues a character
    if not _sound(joined, data, inner):
        return [_characters(span) for span in spans]
    words = inner.view(np.uint64) * np.uint64(_ONES)  # the sum of eight bytes, in the highest
    words >>= np.uint64(56)
    return sizes - np.add.reduceat(words.view(np.int64), begin >> 3)


def _sound(joined: bytes, data: NDArray[Any], inner: NDArray[Any]) -> bool:
    """Return whether all is UTF-8; `inner` says which bytes continue a character."""
    import numpy as np

    if data.max() > 0xF4 or b"\xc0" in joined or b"\xc1" in joined:
        return False
    must: Any = np.zeros(data.size, bool)  # each first byte says how many continue it
    must[1:] = data[:-1] >= 0xC0
    must[2:] |= data[:-2] >= 0xE0
    must[3:] |= data[:-3] >= 0xF0
    if (must != inner).any():
        return False
    here, second = data[:-1], data[1:]
    for first, least in _LEAST:
        if first in joined and ((here == first[0]) & (second < least)).any():
            return False
    for first, most in _MOST:
        if first in joined and ((here == first[0]) & (second > most)).any():
            return False
    return True


def _characters(span: bytes | memoryview) -> int:
    try:
        return len(str(span, "utf-8"))
    except UnicodeDecodeError:
        return -1
