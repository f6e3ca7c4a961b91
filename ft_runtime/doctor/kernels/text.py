r"""What kernels do with one text of a JSON line: characters, escapes, whether anything shows.

A text is an address and a size. Its canonical form is its shortest JSON form without the quotes:
``\uXXXX`` and ``\/`` resolved, quote, backslash and line breaks escaped with two bytes.
"""

from __future__ import annotations

from ft_runtime.doctor.blank import BLANK
from ft_runtime.doctor.kernels.jit import inline
from ft_runtime.doctor.kernels.lanes import (
    at_least,
    below,
    constant,
    copy64,
    equal,
    load1,
    load2,
    lowest,
    ones,
    shift,
    store1,
    store2,
    store4,
)

WRONG = -1
_SLASH, _UNIT = 92, 117
_UNIT_BEGINS = 0x755C  # the two bytes that begin a ``\uXXXX``, read as a number
# Tags and variation selectors: blank characters above U+FFFF.
_TAGS, _SELECTORS = (0xE0000, 0xE0080), (0xE0100, 0xE01F0)


def _hex_digits() -> bytes:
    table = bytearray(b"\xff" * 256)
    for i, digit in enumerate("0123456789abcdef"):
        table[ord(digit)] = table[ord(digit.upper())] = i
    return bytes(table)


def _blank_bits() -> bytes:
    table = bytearray(1 << 13)
    for character in BLANK:
        if (code := ord(character)) < 1 << 16:
            table[code >> 3] |= 1 << (code & 7)
    return bytes(table)


_hex = constant(_hex_digits())
_blanks = constant(_blank_bits())


@inline
def characters(at: int, size: int) -> int:
    """Return how many characters a text has as UTF-8; WRONG where it is none.

    Each byte that begins a character says how many continue it (table 3-7 of the Unicode standard);
    bits of 64 bytes are compared at once.
    """
    inner_count = 0
    carry = wrong = 0
    end = at + size
    while at < end:
        high = at_least(at, 0x80)
        rest = end - at
        valid = -1 if rest >= 64 else ~(-1 << rest)
        high &= valid
        if high | carry:
            two, three, four = at_least(at, 0xC0), at_least(at, 0xE0), at_least(at, 0xF0)
            two &= valid
            three &= valid
            four &= valid
            inner = high & ~two
            must = (two << 1) | (three << 2) | (four << 3) | carry
            carry = shift(two, 63) | shift(three, 62) | shift(four, 61)
            wrong |= must ^ inner
            wrong |= (two & below(at, 0xC2)) | (four & at_least(at, 0xF5))
            # Second bytes with narrower bounds: no overlong form, no surrogate, no U+110000.
            narrow = (equal(at, 0xE0) & below(at + 1, 0xA0)) | (
                equal(at, 0xED) & at_least(at + 1, 0xA0)
            )
            narrow |= (equal(at, 0xF0) & below(at + 1, 0x90)) | (
                equal(at, 0xF4) & at_least(at + 1, 0x90)
            )
            wrong |= narrow & valid
            inner_count += ones(inner)
        at += 64
    return WRONG if wrong | carry else size - inner_count


@inline
def _unit(at: int) -> int:
    r"""Return the number of the four hexadecimal digits of a ``\uXXXX``; above 65535 if wrong."""
    table = _hex(0)
    one, two = load1(table + load1(at)), load1(table + load1(at + 1))
    three, four = load1(table + load1(at + 2)), load1(table + load1(at + 3))
    wrong = (one | two | three | four) & 0xF0
    return (one << 12) | (two << 8) | (three << 4) | four | (wrong << 16)


@inline
def _put(code: int, out: int) -> int:
    """Write a character of two bytes or more in UTF-8; return how many."""
    if code < 0x800:
        store2(out, 0x80C0 | (code >> 6) | ((code & 63) << 8))
        return 2
    if code < 0x10000:
        store4(out, 0x8080E0 | (code >> 12) | ((code & 0xFC0) << 2) | ((code & 63) << 16))
        return 3
    store4(
        out,
        0x808080F0
        | (code >> 18)
        | ((code & 0x3F000) >> 4)
        | ((code & 0xFC0) << 10)
        | ((code & 63) << 24),
    )
    return 4


@inline
def _put_short(code: int, out: int) -> int:
    """Write a character below 128; return its bytes, WRONG for a control character."""
    if code == 34 or code == _SLASH:
        store2(out, _SLASH | (code << 8))
        return 2
    if code >= 32:
        store1(out, code)
        return 1
    if code == 10:
        letter = 110
    elif code == 13:
        letter = 114
    elif code == 9:
        letter = 116
    else:
        return WRONG
    store2(out, _SLASH | (letter << 8))
    return 2


@inline
def canonical(at: int, size: int, out: int) -> tuple[int, int, int]:
    """Write the canonical form of a text whose escapes are of known letters.

    At `out` there are 64 bytes more room than the text has.

    Returns
    -------
    size, escapes, half : int
        How long it is, WRONG where an escape is none or stands for a control character; how many
        escapes of two bytes it has; 1 where half of a surrogate pair stands alone, which is
        written as a question mark.
    """
    begin, end, escapes, half = out, at + size, 0, 0
    while at < end:
        if load1(at) != _SLASH:
            place = lowest(equal(at, _SLASH))
            copy64(at, out)
            step = min(place, end - at)
            at += step
            out += step
            continue
        letter = load1(at + 1)
        if letter != _UNIT:
            if letter == 47:
                store1(out, 47)
                out += 1
            else:
                store2(out, load2(at))
                out += 2
                escapes += 1
            at += 2
            continue
        code = _unit(at + 2)
        at += 6
        if at > end or code > 0xFFFF:
            return WRONG, 0, 0
        if code < 128:
            width = _put_short(code, out)
            if width < 0:
                return WRONG, 0, 0
            escapes += width - 1
        else:
            if code >= 0xD800 and code < 0xE000:
                low = -1
                if code < 0xDC00 and at + 6 <= end and load2(at) == _UNIT_BEGINS:
                    low = _unit(at + 2) - 0xDC00
                if low >= 0 and low < 0x400:
                    code = 0x10000 + ((code - 0xD800) << 10) + low
                    at += 6
                else:
                    code, half = 0x3F, 1
            width = _put(code, out) if code > 127 else _put_short(code, out)
        out += width
    return out - begin, escapes, half


@inline
def _character(at: int) -> tuple[int, int]:
    """Return the character at a place in sound UTF-8, and its bytes."""
    first = load1(at)
    if first < 0x80:
        return first, 1
    second = load1(at + 1) & 63
    if first < 0xE0:
        return ((first & 31) << 6) | second, 2
    third = load1(at + 2) & 63
    if first < 0xF0:
        return ((first & 15) << 12) | (second << 6) | third, 3
    return ((first & 7) << 18) | (second << 12) | (third << 6) | (load1(at + 3) & 63), 4


@inline
def is_blank(at: int, size: int) -> bool:
    """Return whether a canonical text in sound UTF-8 shows nothing; see `blank`."""
    end = at + size
    while at < end:
        code, width = _character(at)
        if code == _SLASH:
            letter = load1(at + 1)
            if letter == 34 or letter == _SLASH:
                return False
            width = 2
        elif code < 0x10000:
            if not (load1(_blanks(0) + (code >> 3)) >> (code & 7)) & 1:
                return False
        elif not (
            (code >= _TAGS[0] and code < _TAGS[1])
            or (code >= _SELECTORS[0] and code < _SELECTORS[1])
        ):
            return False
        at += width
    return True


@inline
def shows_nothing(at: int, size: int) -> bool:
    """Return what `is_blank` does, for most texts by their first byte."""
    first = load1(at)
    return (first < 33 or first > 126 or first == _SLASH or size == 0) and is_blank(at, size)
