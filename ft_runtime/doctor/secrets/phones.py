"""Telephone numbers: those of a sure form, and, on request, whatever may be one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from ft_runtime.doctor.secrets.patterns import ESCAPE

_PLUS = ord("+")
# Of numbers without a +: their signs, and their most bytes before and behind the last sign.
_SIGNS, _BEFORE, _BEHIND = b"0123456789 ()./-", 20, 24
_PARTS = {
    # Countries' codes (ITU-T E.164), without North America's 1.
    b"<country>": rb"(?:7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    rb"|2(?:1[1-368]|[2-6]\d|9[017-9])|3[578]\d|42[013]|5[09]\d|6(?:[78]\d|9[0-2])"
    rb"|8(?:0[08]|5[02356]|7[08]|8[06])|9(?:6[0-8]|7[0-79]|9[2-8]))",
    # North America's areas and exchanges begin with 2 to 9, and are no N11.
    b"<area>": rb"[2-9](?!11)[0-8]\d",
    b"<exchange>": rb"[2-9](?!11)\d\d",
    b"<begin>": rb"(?:(?<![\w+./#$%&-])" + ESCAPE + rb")",
    b"<begin +>": rb"(?:(?<![\w+])" + ESCAPE + rb")",
    b"<begin any>": rb"(?:(?<![\w+-])" + ESCAPE + rb")(?<!\d[ .])",
    b"<begin word>": rb"(?:\b" + ESCAPE + rb")",
    b"<end>": rb"(?![\w-]|\.\d)",
    # Not one of several numbers.
    b"<alone>": rb"(?<!\d[ ./-])",
    b"<end alone>": rb"(?![\w/-]|[ .]\d)",
}


def _form(*forms: bytes) -> re.Pattern[bytes]:
    """Return the pattern of any of some forms, their parts filled in."""
    text = b"|".join(forms)
    for name, part in _PARTS.items():
        text = text.replace(name, part)
    return re.compile(text)


# +44 20 7946 0958, +1 (212) 555-0123
INTERNATIONAL = _form(
    rb"<begin +>\+1[ .-]?(?:\(<area>\) ?|<area>[ .-]?)<exchange>[ .-]?\d{4}(?!\w)",
    rb"<begin +>\+<country>(?:[ ()./-]{0,2}\d){6,12}(?!\w)",
)
# (212) 555-0123, 212-555-0123, 212.555.0123, perhaps behind a 1; 030 1234567 and 020 7946 0958;
# 06 12 34 56 78; and 555-0123 or 212 555 0123 behind a word that says so.
NATIONAL = _form(
    rb"<begin>(?:1[ .-])?\(<area>\) ?<exchange>[ .-]\d{4}<end>",
    rb"<begin>(?:1[ .-])?<area>-<exchange>-\d{4}<end>",
    rb"<begin>(?:1[ .-])?<area>\.<exchange>\.\d{4}<end>",
    rb"<begin><alone>\(?0[1-9]\d{1,3}\)?[ /-](?:\d{5,8}|\d{3,4}[ -]\d{3,4})<end alone>",
    rb"<begin><alone>0[1-9]([ .-])\d\d(?:\1\d\d){3}<end alone>",
    rb"<begin><alone>(?P<short>(?:<area>[ .-])?<exchange>[ .-]\d{4})<end alone>",
)
_CALL = _form(
    rb"(?i)<begin word>"
    rb"(?:tele(?:phone|fon)|tel|phone|mobile|cell|fax|call|text|dial|whatsapp)\b[^\w+]{0,3}"
    rb"(?:(?:number|no|nr|us|me|at|on|is)\b[^\w+]{0,3}){0,3}\Z"
)
# Any grouping that a number may have.
ANY = _form(
    rb"<begin any>(?:\+\d(?:[ ./()-]{0,2}\d){7,14}|\(?\d{2,4}\)?[ .-]\d{3,4}[ .-]\d{4}"
    rb"|0\d{2,4}[ /-]\d{5,8})(?![ .-]?\d|[\w-])"
)


def is_international(text: bytes) -> bool:
    """Return whether a text with a + and digits is a telephone number, not one to reckon with."""
    groups = re.findall(rb"\d+", text)
    signs = re.findall(rb"\D+", text[1:])
    count = sum(map(len, groups))
    if not 8 <= count <= 15 or text.endswith(b"00000"):
        return False
    if not signs:
        return count >= 10
    if any(b"." in sign for sign in signs):  # decimals have one
        return len(signs) > 1 and set(signs) == {b"."}
    if any(len(sign) > 1 and not set(b"()") & set(sign) for sign in signs):
        return False
    return sum(len(group) == 1 for group in groups[1:]) < 2


def _is_national(match: re.Match[bytes]) -> bool:
    """Return whether a match of `NATIONAL` is a telephone number."""
    text = match[0]
    if match["short"] is not None:
        return _CALL.search(match.string[max(0, match.start() - 32) : match.start()]) is not None
    if not text.lstrip(b"(").startswith(b"0"):
        return True
    groups = [int(group) for group in re.findall(rb"\d+", text)]
    if len(groups) == 5:  # 01 02 03 04 05 are numbers of something
        return len({b - a for a, b in pairwise(groups)}) > 1
    return 10 <= sum(48 <= byte <= 57 for byte in text) <= 12


def find_sure(block: bytes, place: int, done: int, end: int) -> re.Match[bytes] | None:
    """Return the number at a place, that of its + or of a sign before its last digits.

    Nothing before `done` and behind `end` belongs to it.
    """
    if block[place] == _PLUS:
        match = INTERNATIONAL.match(block, place, end)
        return match if match and is_international(match[0]) else None
    return next(filter(_is_national, _around(NATIONAL, block, place, done, end)), None)


def find_any(block: bytes, place: int, done: int, end: int) -> re.Match[bytes] | None:
    """Return what may be a number at a place; see `find_sure`."""
    if block[place] == _PLUS:
        return ANY.match(block, place, end)
    return next(_around(ANY, block, place, done, end), None)


def _around(
    form: re.Pattern[bytes], block: bytes, place: int, done: int, end: int
) -> Iterator[re.Match[bytes]]:
    before = block[max(done, place - _BEFORE) : place]
    start = place - len(before) + len(before.rstrip(_SIGNS))
    for match in form.finditer(block, start, min(end, place + _BEHIND)):
        if match.start() <= place < match.end():
            yield match
