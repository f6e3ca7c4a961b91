"""What the words of the quick parser tell of a line that it refused, where they leave no doubt."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEEPEST = 500
HALF = b"\\ufffd"
"""Stands for half of a surrogate pair, in a line that has no such escape of its own."""

# How a line ends that is cut off inside a word or an escape, for which there are other codes.
_STUMP = re.compile(rb"(?:^|[\[:,\s])[tfn][a-z]{0,3}$|\\")
_HALF = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_FIRST_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")
_MOST_HALVES = 8
_PLACE = re.compile(r"byte (\d+)\)$")
_TRUNCATED = "Input data was truncated"
_NUMBERS = (b"NaN", b"Infinity")


class NotJsonError(ValueError):
    """The line is no JSON; which kind of none, is for `parse` to say."""


@dataclass(frozen=True)
class Mended:
    """A line without the fault that the parser stopped at.

    Attributes
    ----------
    line : bytes
        As long as the line was.
    code : str
        Of the fault.
    halves : bool
        `HALF` stands for every half of a surrogate pair.
    """

    line: bytes
    code: str = ""
    halves: bool = False


def is_utf8(line: bytes) -> bool:
    """Return whether a line can be read as text."""
    try:
        return line.isascii() or line.decode() is not None
    except UnicodeDecodeError:
        return False


def not_json(line: bytes, error: str) -> list[str]:
    """Return the code of a line that the parser refused, where its words leave no doubt.

    Raises
    ------
    NotJsonError
    """
    if "trailing comma" in error:
        code = "invalid_json"
    elif "trailing characters" in error:
        code = "two_values"
    elif error == _TRUNCATED and not _STUMP.search(line[-8:]) and not _has_half(line):
        code = "cut_line"
    else:
        raise NotJsonError
    # What is looked at before the grammar; and `parse` refuses values that are nested deeper.
    if line.count(b"[") + line.count(b"{") > DEEPEST or not is_utf8(line):
        raise NotJsonError
    return [code]


def _has_half(line: bytes) -> bool:
    """Return whether a half may stand so near the end that no other has room behind it."""
    end = line[-14:]
    return b"\\ud" in end or b"\\uD" in end


def mended(line: bytes, error: str) -> Mended | None:
    """Return a line without the fault that `parse` reads over, to look for others; or None."""
    place = _PLACE.search(error)
    at = int(place[1]) if place else len(line)
    if "hex escape" in error or "surrogate" in error or (error == _TRUNCATED and _has_half(line)):
        return _without_half(line, at if place else line.rfind(b"\\u") + 6)
    if "invalid character" in error:
        for name in _NUMBERS:
            if line.startswith(name, at) and line[at - 1 : at] != b"-":
                word = b'"%b"' % (b"x" * (len(name) - 2))
                return Mended(line[:at] + word + line[at + len(name) :], "not_finite")
    return None


def _without_half(line: bytes, end: int) -> Mended | None:
    """Put `HALF` in the place of half of a pair; the parser stopped behind it, or one further."""
    at = end - 12 if _FIRST_HALF.match(line, end - 12) else end - 6
    if at < 0 or not _HALF.match(line, at) or line.count(HALF) > _MOST_HALVES:
        return None
    return Mended(line[:at] + HALF + line[at + 6 :], "lone_surrogate", True)
