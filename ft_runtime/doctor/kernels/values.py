"""What kinds of rows share: names, texts and other values, and what is noted of them."""

from __future__ import annotations

from ft_runtime.doctor.hashing import LAST, PLACE, TAG
from ft_runtime.doctor.kernels.jit import inline
from ft_runtime.doctor.kernels.lanes import load1, load4, load8, shift, signed, store8, times
from ft_runtime.doctor.kernels.text import canonical, characters, shows_nothing
from ft_runtime.doctor.kernels.walk import NULL_WORD, WRONG, scalar, space, string
from ft_runtime.doctor.kernels.xxh3 import digest

# What is the matter with a row that is sound as JSON and has no other problem: how many of each
# kind, in a byte each, in the order of `jsonl.compiled.FLAWS`.
EMPTY, NULL, NOT_TEXT, HALF, MISSING = (1 << 8 * i for i in range(5))
# Nothing is the matter; only a closer look can tell.
FINE, DOUBTFUL = 0, -1
QUOTE, COLON, COMMA, OPEN, CLOSE, LIST, LIST_END = 34, 58, 44, 123, 125, 91, 93
# Places in the memory of what is known beside the rows, in words of eight bytes: keys seen in fine
# rows as bits, names that are not known, lines that end in CR LF, where the next line begins;
# the row's keys, address and size of its label; then the names, as address and size.
SEEN, NEWS, CRLF, STOP, KEYS, LABEL, SIZE, NAMES = range(8)
# Unknown names noted in one call, as address and size.
NAMES_MOST = 64
FACTS = NAMES + 2 * NAMES_MOST


_TAG, _PLACE, _LAST = signed(TAG), signed(PLACE), signed(LAST)


@inline
def term_of(found: int, tag: int, place: int) -> int:
    """Return the term of a text, as `hashing.terms` does."""
    mixed = times(found ^ times(tag, _TAG), times(2 * place + 1, _PLACE))
    return times(mixed ^ shift(mixed, 32), _LAST)


@inline
def text_of(
    at: int, close: int, wide: int, escapes: int, units: int, spare: int
) -> tuple[int, int, int, int, int]:
    """Return digest, characters, flaw, address and size of a text in its canonical form."""
    size, half = close - at, 0
    if units:
        size, escapes, half = canonical(at, size, spare)
        if size < 0:
            return 0, 0, DOUBTFUL, spare, 0
        at = spare
    count = size
    if wide or units:
        count = characters(at, size)
        if count < 0:
            return 0, 0, DOUBTFUL, at, 0
    if half:
        return 0, 0, HALF, at, size
    if shows_nothing(at, size):
        return digest(at, size), count - escapes, EMPTY, at, size
    return digest(at, size), count - escapes, FINE, at, size


@inline
def other(at: int) -> tuple[int, int]:
    """Return where a value ends that is no text, and its flaw; WRONG where it is not plain."""
    return scalar(at), NULL if load4(at) == NULL_WORD else NOT_TEXT


@inline
def extra(at: int, spare: int) -> int:
    """Return where the value of a key that is not used ends; WRONG where it is not plain."""
    if load1(at) != QUOTE:
        return scalar(at)
    close, wide, escapes, units = string(at + 1)
    if close == WRONG:
        return WRONG
    size = close - at - 1
    if units:
        size, escapes, half = canonical(at + 1, size, spare)
        if size < 0 or half or characters(spare, size) < 0:
            return WRONG
    elif wide and characters(at + 1, size) < 0:
        return WRONG
    return close + 1


@inline
def name(at: int) -> int:
    """Return where the name of a key ends that begins at a quote; WRONG where it has escapes."""
    if load1(at) != QUOTE:
        return WRONG
    close, wide, escapes, units = string(at + 1)
    return WRONG if escapes or units else close


@inline
def colon(at: int) -> int:
    """Return where the value behind a name's closing quote begins; WRONG where no colon is."""
    at = space(at + 1)
    return space(at + 1) if load1(at) == COLON else WRONG


@inline
def note(facts: int, at: int, size: int) -> None:
    """Note a name that is not known, for the layout to learn."""
    count = load8(facts + 8 * NEWS)
    if count < NAMES_MOST:
        store8(facts + 8 * (NAMES + 2 * count), at)
        store8(facts + 8 * (NAMES + 2 * count + 1), size)
        store8(facts + 8 * NEWS, count + 1)
