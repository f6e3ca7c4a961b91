"""Where secrets, personal data and oddities may stand, found in one pass over a block.

The compiled counterpart of `secrets.triggers`: other places may be named, the same are confirmed.
64 bytes are asked at once where certain signs stand; how these follow each other is told by shifts
of the masks. The few places that remain are looked at one by one (`shapes`).
"""

from __future__ import annotations

from ft_runtime.doctor.kernels import shapes
from ft_runtime.doctor.kernels.jit import inline, kernel
from ft_runtime.doctor.kernels.lanes import load1, load8, lowest, shift, store1, store8
from ft_runtime.doctor.kernels.masks import (
    is_byte,
    is_capital,
    is_digit,
    is_letter,
    is_within,
    mask,
)

KINDS = (
    "email", "private_key", "us_ssn", "ipv4", "iban", "phone", "card_number", "key",
    "placeholders", "special_tokens", "line_separators",
)  # fmt: skip
(_EMAIL, _PRIVATE, _SSN, _IPV4, _IBAN, _PHONE, _CARD, _KEY, _PLACE, _SPECIAL, _SEPARATOR) = range(
    len(KINDS)
)
BACK, _STEP = 8, 56
_NEW = -1 << BACK
_STRETCH = 256 * _STEP
# Places that a stretch may have at most: one byte leads to one rare sign, a key, two card numbers,
# and two telephone numbers.
_MOST = 6 * _STRETCH
_NOTE = 5 * 8  # bytes: the place of 64, and four masks of what was found among them
# What the caller makes room for: places, bytes of notes, and the head of the block with line
# breaks before it.
ROOM, NOTES, HEAD = 8 * _STRETCH, _STRETCH // _STEP * _NOTE, BACK + _STEP

_braces = mask(is_byte(ord("{")))
_less = mask(is_byte(ord("<")))
_leads = mask(is_byte(0xE2))
_lasts = mask(is_byte(0xA8, either=1))
_ats = mask(is_byte(ord("@")))
_pluses = mask(is_byte(ord("+")))
_dashes = mask(is_byte(ord("-")))
_points = mask(is_byte(ord(".")))
_digits = mask(is_digit())
_capitals = mask(is_capital())
# Of what keys are made of, and some signs more: from - to DEL, without the backslash.
_keyish = mask(is_within(ord("-"), 127) & ~is_byte(ord("\\")))
_word = is_letter() | is_digit() | is_byte(ord("_")) | is_byte(ord("-"))
_after_word = is_letter(-1) | is_digit(-1) | is_byte(ord("_"), -1) | is_byte(ord("-"), -1)
_words = mask(_word)
# Where a word begins; behind \n and \u201c, as JSON writes them, one may as well.
_begins = mask(_word & (~_after_word | is_byte(ord("\\"), -2) | is_byte(ord("\\"), -6)))

_PLUS, _DASH, _POINT, _LESS, _AT, _BRACE = b"+-.<@{"


@inline
def _note_all(
    first: int, start: int, stop: int, secrets: bool, oddities: bool, head: int, notes: int
) -> int:
    """Note what may be something among some bytes; return how many notes were taken.

    64 bytes are read at once, of which the first 8 are the last ones before: masks of signs are
    combined with those of the bytes up to 8 before them by shifts (``mask << n`` tells each byte
    of the one ``n`` before). Nothing is called here, for the vectors to stay in registers.
    """
    count = eights = 0
    rare = runs = groups = pairs = 0
    # The bytes before the first are gone through again, for the runs that they begin.
    for i in range(start - _STEP if start else 0, stop, _STEP):
        at = first + i - BACK if i else head
        if secrets:
            digit = _digits(at)
            two = digit & (digit << 1)
            four = two & (two << 2)
            groups = four & (
                (four << 4) | (four << 5) | ((digit << 5) & (two << 6) & ~(digit << 4))
            )
            pairs = two & (two << 3) & ~(digit << 2)
            capital = _capitals(at)
            dash = _dashes(at)
            dashes = dash & (dash << 1)
            rare = _ats(at) | (digit & (_pluses(at) << 1))
            rare |= two & (capital << 2) & (capital << 3)
            rare |= dashes & (dashes << 2) & (dash << 4)
            rare |= digit & (dash << 1) & (two << 2) & (dash << 4)
            point = _points(at) & ((digit << 1) | 1)
            chain = point & ((point << 2) | (point << 3) | (point << 4))
            rare |= chain & ((chain << 2) | (chain << 3) | (chain << 4))
            eight = _keyish(at)
            eight &= eight << 1
            eight &= eight << 2
            eight &= eight << 4
            runs = eight & ((eight | shift(eights, _STEP)) << 8)
            eights = eight
        else:
            rare = 0
        if oddities:
            brace = _braces(at)
            rare |= (brace & (brace << 1)) | _less(at) | (_lasts(at) & (_leads(at) << 2))
        if (rare | runs | groups | pairs) & _NEW and i >= start:
            note = notes + _NOTE * count
            store8(note, i - BACK)
            store8(note + 8, rare & _NEW)
            store8(note + 16, runs & _NEW)
            store8(note + 24, groups & _NEW)
            store8(note + 32, pairs & _NEW)
            count += 1
    return count


@inline
def _look(at: int, first: int) -> tuple[int, int]:
    """Return kind and place of what a rare sign ends or begins; -1 for the kind of nothing."""
    byte, place = load1(at), at - first
    if byte == _LESS:
        return (_SPECIAL if shapes.special(at) else -1), place
    if byte == _BRACE:
        return (_PLACE if shapes.placeholder(at - 1) else -1), place - 1
    if byte >= 0x80:
        return (_SEPARATOR if load1(at - 1) == 0x80 else -1), place - 2
    if byte == _AT:
        return (_EMAIL if shapes.email(at, first) else -1), place
    if byte == _DASH:
        return (_PRIVATE if shapes.private_key(at) else -1), place - 4
    if byte == _POINT:
        point = shapes.ipv4(at, first)
        return (_IPV4 if point else -1), point - first
    byte = load1(at - 1)
    if byte == _PLUS:
        return (_PHONE if shapes.international(at) else -1), place - 1
    if byte == _DASH:
        return (_SSN if shapes.ssn(at - 4, first) else -1), place - 7
    return (_IBAN if shapes.iban(at - 3, first) else -1), place - 3


@inline
def _put(kinds: int, places: int, count: int, kind: int, place: int) -> int:
    store1(kinds + count, kind)
    store8(places + 8 * count, place)
    return count + 1


@inline
def _put_rare(first: int, i: int, found: int, kinds: int, places: int, count: int) -> int:
    while found:
        n = lowest(found)
        found ^= 1 << n
        kind, place = _look(first + i + n, first)
        if kind >= 0:
            count = _put(kinds, places, count, kind, place)
    return count


@inline
def _put_keys(first: int, i: int, found: int, kinds: int, places: int, count: int) -> int:
    found &= _begins(first + i - 15) if i > 0 else _words(first) << (BACK + 15)
    while found:
        n = lowest(found)
        found ^= 1 << n
        if shapes.key(first + i + n - 15):
            count = _put(kinds, places, count, _KEY, i + n - 15)
    return count


@inline
def _put_groups(first: int, i: int, found: int, kinds: int, places: int, count: int) -> int:
    """Put down numbers of cards and telephones, given where groups of four digits end."""
    while found:
        n = lowest(found)
        found ^= 1 << n
        for back in (7, 8):  # two groups, and a sign between them perhaps
            if i + n >= back and shapes.card(first + i + n - back, first):
                count = _put(kinds, places, count, _CARD, i + n - back)
        if shapes.last_four(first + i + n, first):
            count = _put(kinds, places, count, _PHONE, i + n - 4)
    return count


@inline
def _put_pairs(first: int, i: int, found: int, kinds: int, places: int, count: int) -> int:
    """Put down telephone numbers that are written as pairs of digits, given where pairs end."""
    while found:
        n = lowest(found)
        found ^= 1 << n
        if shapes.pairs(first + i + n, first):
            count = _put(kinds, places, count, _PHONE, i + n - 5)
    return count


@kernel("UniTuple(int64, 2)(int64, int64, int64, boolean, boolean, int64, int64, int64, int64)")
def find(
    first: int,
    start: int,
    end: int,
    secrets: bool,
    oddities: bool,
    head: int,
    notes: int,
    kinds: int,
    places: int,
) -> tuple[int, int]:
    """Find places from `start` on, until the room for them may not suffice.

    Bytes are gone through a stretch after the other, that the processor keeps at hand: first notes
    are taken, as fast as may be, then what they point to is looked at.

    Parameters
    ----------
    first, head, notes, kinds, places : int64
        Addresses of the block; of its head, `HEAD` bytes; of room for `NOTES` bytes, and for
        `ROOM` kinds (bytes) and places (int64).
    start, end : int64
        Where to look in the block; 72 bytes that may be read stand behind.

    Returns
    -------
    count, stop : int64
        How many places there are, and up to where was looked.
    """
    count = 0
    for begin in range(start, end, _STRETCH):
        if count > ROOM - _MOST:
            return count, begin
        stop = min(begin + _STRETCH, end)
        for k in range(_note_all(first, begin, stop, secrets, oddities, head, notes)):
            note = notes + _NOTE * k
            i = load8(note)
            count = _put_rare(first, i, load8(note + 8), kinds, places, count)
            if secrets:
                count = _put_keys(first, i, load8(note + 16), kinds, places, count)
                count = _put_groups(first, i, load8(note + 24), kinds, places, count)
                count = _put_pairs(first, i, load8(note + 32), kinds, places, count)
    return count, end
