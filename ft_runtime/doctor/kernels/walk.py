"""Steps through the bytes of one JSON line: strings, scalars, names. None goes past a line end."""

from __future__ import annotations

from ft_runtime.doctor.kernels.jit import inline
from ft_runtime.doctor.kernels.lanes import (
    at_least,
    below,
    constant,
    equal,
    load1,
    load4,
    load8,
    lowest,
    shift,
    times,
)

WRONG = -1
# What a name table has for each slot: the first eight bytes, the last eight, length, number.
SLOTS = 256
MULTIPLIER = -7046029254386353131
_QUOTE, _SLASH, _LINE = 34, 92, 10
_TRUE, _FALSE, NULL_WORD = (int.from_bytes(word, "little") for word in (b"true", b"fals", b"null"))
_MOST_DIGITS = 18


def _escape_kinds() -> bytes:
    r"""0: not for a plain line; 1: stands for one character; 2: is resolved.

    ``\b`` and ``\f`` are legal, and control characters: not plain.
    """
    table = bytearray(256)
    for letter in b'"\\nrt':
        table[letter] = 1
    for letter in b"/u":
        table[letter] = 2
    return bytes(table)


_kinds = constant(_escape_kinds())


@inline
def line_end(at: int) -> int:
    """Return where the next line end is."""
    while True:
        found = equal(at, _LINE)
        if found:
            return at + lowest(found)
        at += 64


@inline
def space(at: int) -> int:
    """Return the next place that is neither space nor tab."""
    byte = load1(at)
    while byte == 32 or byte == 9:
        at += 1
        byte = load1(at)
    return at


@inline
def string(at: int) -> tuple[int, int, int, int]:
    """Find the end of the string whose first byte, behind its quote, is at a place.

    Returns
    -------
    close, wide, escapes, units : int
        The closing quote, WRONG where there is none; not 0 where bytes above 127 are in it; how
        many escapes of two bytes it has; not 0 where some have to be resolved.
    """
    wide = escapes = units = 0
    kinds = _kinds(0)
    while True:
        signs = equal(at, _QUOTE) | equal(at, _SLASH) | below(at, 32)
        high = at_least(at, 0x80)
        step = 64
        while signs:
            place = lowest(signs)
            byte = load1(at + place)
            if byte == _QUOTE:
                return at + place, wide | (high & ~(-1 << place)), escapes, units
            if byte != _SLASH:
                return WRONG, wide, escapes, units
            kind = load1(kinds + load1(at + place + 1))
            if kind == 0:
                return WRONG, wide, escapes, units
            escapes += kind & 1
            units |= kind & 2
            if place >= 62:
                step = place + 2
                break
            signs &= -1 << (place + 2)
        wide |= high
        at += step


@inline
def _digits(at: int, most: int) -> int:
    """Return where some digits end; WRONG where there is none, or are more than `most`."""
    begin = at
    while load1(at) - 48 >= 0 and load1(at) - 48 < 10:
        at += 1
        if at - begin > most:
            return WRONG
    return at if at > begin else WRONG


@inline
def scalar(at: int) -> int:
    """Return where a number, true, false or null ends; WRONG where none of usual size begins."""
    word = load4(at)
    if word == _TRUE or word == NULL_WORD:
        return at + 4
    if word == _FALSE:
        return at + 5 if load1(at + 4) == 101 else WRONG
    if load1(at) == 45:
        at += 1
    if load1(at) == 48:
        at += 1
    else:
        at = _digits(at, _MOST_DIGITS)
    if at != WRONG and load1(at) == 46:
        at = _digits(at + 1, _MOST_DIGITS)
    if at != WRONG and (load1(at) | 32) == 101:
        at += 1
        if load1(at) == 43 or load1(at) == 45:
            at += 1
        at = _digits(at, 2)
    return at


@inline
def number_of(table: int, at: int, size: int) -> int:
    """Return the number of a name in a table (see `jsonl.compiled`), 0 where it is not in it."""
    if size < 1 or size > 16:
        return 0
    first = load8(at)
    last = 0
    if size < 8:
        first &= ~(-1 << (8 * size))
    elif size > 8:
        last = load8(at + size - 8)
    slot = shift(times(first ^ (last << 1) ^ size, MULTIPLIER), 56)
    while True:
        entry = table + 32 * slot
        length = load8(entry + 16)
        if length == 0:
            return 0
        if length == size and load8(entry) == first and load8(entry + 8) == last:
            return load8(entry + 24)
        slot = (slot + 1) & (SLOTS - 1)
