"""Which characters show nothing, and texts made of nothing else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

# White space of Unicode (str.strip knows it), control characters, tags and selectors, and others
# without width or form of their own.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u200b\u200c\u200d\u200e"
    "\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068"
    "\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u2800\u3164\ufe0e\ufe0f\ufeff\uffa0"
)
_CONTROL = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
_TAGS = "".join(map(chr, (*range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0))))
_ALL = INVISIBLE + _CONTROL + _TAGS + "".join(chr(c) for c in range(0x3001) if chr(c).isspace())
BLANK = frozenset(_ALL)

# Under which first and second byte of UTF-8 white space and invisible characters lie.
_INVISIBLE_SECOND = (
    (0xD8, (0x9C,)),
    (0xE2, (0x80, 0x81, 0xA0)),
    (0xE3, (0x80, 0x85)),
    (0xEF, (0xB8, 0xBB, 0xBE)),
)


def is_blank(text: str) -> bool:
    """Return whether `text` is empty, or white space and invisible characters alone."""
    return not text.strip(_ALL)


@cache
def _visible_first() -> NDArray[Any]:
    """Return, for a text's first byte, whether something visible stands there for sure."""
    import numpy as np

    visible: Any = np.zeros(256, bool)
    visible[33:127] = True
    visible[92] = False  # an escape: perhaps a line break
    # Leading bytes of UTF-8 under which no white space and no invisible character lies.
    leading = (*range(0xC3, 0xCC), *range(0xD0, 0xD8), *range(0xD9, 0xE0), *range(0xE4, 0xEF), 0xF0)
    visible[list(leading)] = True
    return visible


def unsure_spans(block: bytes, begin: NDArray[Any]) -> NDArray[Any]:
    """Return where the first character may show nothing, by its first two bytes."""
    import numpy as np

    data = np.frombuffer(block, np.uint8)
    unsure = ~_visible_first().take(data.take(begin))
    at = np.flatnonzero(unsure)
    first, second = data.take(begin[at]), data.take(begin[at] + 1)
    # An escaped quote or backslash is visible; of the bytes that lead white space or invisible
    # characters, a few second bytes do so alone.
    shown = (first == 92) & ((second == 34) | (second == 92))
    for lead, seconds in _INVISIBLE_SECOND:
        here = first == lead
        for other in seconds:
            here &= second != other
        shown |= here
    unsure[at[shown]] = False
    return unsure
