"""Secrets, personal data, placeholders and special tokens in a block of any text format."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem
from ft_runtime.doctor.secrets import patterns, triggers

if TYPE_CHECKING:
    from numpy.typing import NDArray

Hit = tuple[str, int, bytes]


def secret_marker(phone: bool = False) -> Callable[..., None]:
    """Return the marker (see `jsonl.scan`) that finds secrets and personal data."""

    def mark(block: bytes, end: int, starts: NDArray[Any], base: int, part: Part) -> None:
        _log(secrets(block, end, phone), starts, base, part, masked=True)

    return mark


def text_marker() -> Callable[..., None]:
    """Return the marker that finds placeholders, special tokens and odd line separators."""

    def mark(block: bytes, end: int, starts: NDArray[Any], base: int, part: Part) -> None:
        _log(oddities(block, end), starts, base, part, masked=False)

    return mark


def _log(
    hits: Iterator[Hit], starts: NDArray[Any], base: int, part: Part, *, masked: bool
) -> None:
    found = sorted(hits, key=lambda hit: hit[1])
    if not found:
        return
    begin = starts.tolist()
    by_line: dict[int, list[Problem]] = {}
    for code, place, text in found:
        line = bisect_right(begin, place) - 1
        example = patterns.mask(text) if masked else text.decode("utf-8", "replace")
        problem = Problem(code, f"byte {place - begin[line] + 1}", {"example": example})
        by_line.setdefault(line, []).append(problem)
    for line, problems in by_line.items():
        part.marks.add(base + line + 1, problems)


def secrets(block: bytes, end: int, phone: bool = False) -> Iterator[Hit]:
    """Yield (code, place, bytes) of each secret in ``block[:end]``."""
    import numpy as np

    data = np.frombuffer(block, np.uint8, count=end)
    if end < 32:
        return
    for begin, stop in zip(*(ends.tolist() for ends in triggers.runs(data)), strict=True):
        for match in patterns.KEY.finditer(block, begin, stop):
            yield patterns.KEY_NAMES[(match.lastindex or 1) - 1], match.start(), match[0]
    place = block.find(b"-----BEGIN", 0, end)
    while place >= 0:
        if match := patterns.PRIVATE_KEY.match(block, place):
            yield "private_key", place, match[0]
        place = block.find(b"-----BEGIN", place + 10, end)
    at = block.find(b"@", 0, end)
    if at >= 0:
        yield from _around(block, end, np.flatnonzero(data == 64), patterns.EMAIL, "email", 80, 260)
    digit = triggers.digits(data)
    yield from _around(block, end, triggers.ssn(data, digit), patterns.SSN, "us_ssn", 6, 20)
    yield from _around(block, end, triggers.ipv4(data, digit), patterns.IPV4, "ipv4", 8, 24)
    groups = triggers.groups(digit)
    for code, place, text in _around(block, end, groups, patterns.CARD, "card_number", 8, 28):
        if patterns.luhn(text):
            yield code, place, text
    for code, place, text in _around(
        block, end, triggers.iban(data, digit), patterns.IBAN, "iban", 2, 48
    ):
        if patterns.iban(text):
            yield code, place, text
    if phone:
        for match in patterns.PHONE.finditer(block, 0, end):
            yield "phone", match.start(), match[0]


def _around(
    block: bytes, end: int, at: NDArray[Any], form: re.Pattern[bytes], code: str, before: int, after: int
) -> Iterator[Hit]:
    """Yield the matches of a pattern near the places given, each match once."""
    done = 0
    for place in at.tolist():
        if place < done:
            continue
        start = max(done, place - before)
        for match in form.finditer(block, start, min(end, place + after)):
            if match.end() > place:
                yield code, match.start(), match[0]
                done = match.end()
                break


def oddities(block: bytes, end: int) -> Iterator[Hit]:
    """Yield placeholders, special tokens and line separators that other tools may break at."""
    import numpy as np

    data = np.frombuffer(block, np.uint8, count=end)
    if end < 8:
        return
    brace = data[:-1] == 123
    brace &= data[1:] == 123
    if brace.any():
        at = np.flatnonzero(brace)
        yield from _around(block, end, at, patterns.PLACEHOLDER, "placeholder", 0, 64)
    less = np.flatnonzero(data == 60)
    if less.size:
        following = data.take(np.minimum(less + 1, end - 1))
        keep = np.isin(following, np.frombuffer(b"|/speubm", np.uint8))
        yield from _around(block, end, less[keep], patterns.SPECIAL, "special_token", 0, 40)
    if not block.isascii():
        odd = data[2:] == 0xA8
        odd |= data[2:] == 0xA9
        odd &= data[1:-1] == 0x80
        odd &= data[:-2] == 0xE2
        for place in np.flatnonzero(odd).tolist():
            yield "line_separator", place, block[place : place + 3]
