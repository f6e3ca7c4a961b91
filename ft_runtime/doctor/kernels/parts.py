"""The parser of contents in parts: the text that they say together."""

from __future__ import annotations

from ft_runtime.doctor.kernels.jit import inline
from ft_runtime.doctor.kernels.lanes import load1, load4
from ft_runtime.doctor.kernels.text import canonical, characters, shows_nothing
from ft_runtime.doctor.kernels.values import (
    CLOSE,
    COMMA,
    EMPTY,
    FINE,
    LIST_END,
    OPEN,
    QUOTE,
    colon,
    name,
)
from ft_runtime.doctor.kernels.walk import WRONG, space, string
from ft_runtime.doctor.kernels.xxh3 import digest

# The two keys of a part, and the kind that is taken, as numbers.
_TYPE, _TEXT = (int.from_bytes(word, "little") for word in (b"type", b"text"))


@inline
def part(at: int) -> tuple[int, int, int, int, int]:
    """Read the object of type and text that begins at a place.

    Returns
    -------
    at, begin, close, wide, units : int
        The place behind it, WRONG where it is not plain; then its text, as in `walk.string`.
    """
    begin, close, wide, units, seen = 0, 0, 0, 0, 0
    if load1(at) != OPEN:
        return WRONG, 0, 0, 0, 0
    for turn in range(2):
        at = space(at + 1)
        end = name(at)
        if end == WRONG or end - at != 5:
            return WRONG, 0, 0, 0, 0
        key = load4(at + 1)
        at = colon(end)
        if at == WRONG or key == seen or load1(at) != QUOTE:
            return WRONG, 0, 0, 0, 0
        seen = key
        if key == _TYPE:
            if load4(at + 1) != _TEXT or load1(at + 5) != QUOTE:
                return WRONG, 0, 0, 0, 0
            at += 5
        elif key == _TEXT:
            begin = at + 1
            close, wide, escapes, units = string(begin)
            if close == WRONG:
                return WRONG, 0, 0, 0, 0
            at = close
        else:
            return WRONG, 0, 0, 0, 0
        at = space(at + 1)
        if load1(at) != (COMMA if turn == 0 else CLOSE):
            return WRONG, 0, 0, 0, 0
    return at + 1, begin, close, wide, units


@inline
def parts_of(at: int, spare: int) -> tuple[int, int, int, int]:
    """Read the list of text parts that begins at a place.

    Their texts are written to `spare` one behind another, which takes no more bytes than the list
    has, and 64.

    Returns
    -------
    at, digest, chars, flaw : int
        The place behind it, WRONG where it is not plain; then as of `values.text_of`.
    """
    out, chars = spare, 0
    while True:
        at, begin, close, wide, units = part(space(at + 1))
        if at == WRONG:
            return WRONG, 0, 0, 0
        size, escapes, half = canonical(begin, close - begin, out)
        if size < 0 or half:
            return WRONG, 0, 0, 0
        count = size
        if wide or units:  # each alone: two halves of a character are no text, nor are two of them
            count = characters(out, size)
            if count < 0:
                return WRONG, 0, 0, 0
        out += size
        chars += count - escapes
        at = space(at)
        if load1(at) == COMMA:
            continue
        if load1(at) != LIST_END:
            return WRONG, 0, 0, 0
        size = out - spare
        flaw = EMPTY if shows_nothing(spare, size) else FINE
        return at + 1, digest(spare, size), chars, flaw
