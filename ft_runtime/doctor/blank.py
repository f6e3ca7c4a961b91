"""Which characters show nothing, and texts made of nothing else."""

from __future__ import annotations

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


def is_blank(text: str) -> bool:
    """Return whether `text` is empty, or white space and invisible characters alone."""
    return not text.strip(_ALL)
