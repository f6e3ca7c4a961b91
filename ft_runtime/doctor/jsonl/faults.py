"""What the words of the quick parser tell of a line that it refused, where they leave no doubt."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEEPEST = 500
HALF = b"\\ufffd"
"""Stands for half of a surrogate pair, in a line that has no such escape of its own."""

# The two halves of a pair, or one of them alone.
_PAIR = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALVES = re.compile(rb"(%b)|\\u[dD][89a-fA-F][0-9a-fA-F]{2}" % _PAIR)
# How a line ends that is cut off inside a word or an escape, for which there are other codes.
_STUMP = re.compile(rb"(?:^|[\[:,\s])[tfn][a-z]{0,3}$|\\")
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
    # Near the end of a line the parser looks for the other half behind it.
    if "hex escape" in error or "surrogate" in error or (error == _TRUNCATED and _has_half(line)):
        if b"\\\\" in line or b"fffd" in line.lower():
            return None
        whole = _HALVES.sub(lambda match: match[1] or HALF, line)
        return None if whole == line else Mended(whole, "lone_surrogate", True)
    if "invalid character" in error and (match := _PLACE.search(error)):
        at = int(match[1])
        for name in _NUMBERS:
            if line.startswith(name, at) and line[at - 1 : at] != b"-":
                word = b'"%b"' % (b"x" * (len(name) - 2))
                return Mended(line[:at] + word + line[at + len(name) :], "not_finite")
    return None
