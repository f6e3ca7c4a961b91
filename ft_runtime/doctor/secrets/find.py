"""Secrets, personal data, placeholders and special tokens in a block of any text format.

Where a pattern may match is told by `triggers`, or by the kernel `marks` that is several times as
fast; what stands there is decided here, so that both find the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from ft_runtime.doctor import kernels
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem
from ft_runtime.doctor.secrets import patterns, phones, triggers
from ft_runtime.doctor.secrets.compiled import Marks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Marker = Callable[[bytes, int, NDArray[Any], int, Part], None]

Hit = tuple[str, int, bytes]
Places = Mapping[str, Iterable[int]]
# Bytes behind the last one looked at, for short blocks and the ends of others to be no case.
PAD = 72
_ODD = frozenset({"placeholders", "special_tokens", "line_separators"})
_LOCAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-"
_DIGITS = b"0123456789"


class Finder(Protocol):
    """What tells where patterns may match."""

    def find(self, block: bytes, end: int, secrets: bool, oddities: bool) -> dict[str, list[int]]:
        """Return places in ``block[:end]`` by kind; `PAD` bytes stand behind."""


def finder(compiled: bool) -> Finder:
    """Return what tells where to look: the kernel, if that is asked for and can be had."""
    if compiled and kernels.load("marks"):
        return Marks()
    return triggers.Passes()


def marker(secrets: bool, phone: bool, oddities: bool, compiled: bool = False) -> Marker:
    """Return the marker (see `jsonl.scan`) for the checks asked for."""
    search, passes = finder(compiled), triggers.Passes()

    def mark(block: bytes, end: int, starts: NDArray[Any], base: int, part: Part) -> None:
        if len(block) < end + PAD:
            block += bytes(PAD)
        hits: list[Hit] = []
        if secrets or oddities:
            hits += confirm(block, end, search.find(block, end, secrets, oddities))
        if phone:
            hits += _more_phones(block, end, passes.find_phones(block, end), hits)
        if hits:
            _log(sorted(hits, key=lambda hit: (hit[1], hit[0])), starts, base, part)

    return mark


def _log(hits: list[Hit], starts: NDArray[Any], base: int, part: Part) -> None:
    """Add what was found, in its order, to the log of the part; of what it has enough, counts."""
    import numpy as np

    told = part.marks.told()
    lines: Any = np.searchsorted(starts, [place for _, place, _ in hits], side="right") - 1
    firsts = starts[lines].tolist()
    found = zip(lines.tolist(), firsts, hits, strict=True)
    for line, group in groupby(found, key=itemgetter(0)):
        row = list(group)
        codes = [hit[0] for _, _, hit in row]
        if told.issuperset(codes):
            part.marks.count(codes)
        else:
            part.marks.add(base + line + 1, [_problem(hit, first) for _, first, hit in row])


def _problem(hit: Hit, first: int) -> Problem:
    code, place, text = hit
    example = text.decode("utf-8", "replace") if code in _ODD else patterns.mask(text)
    return Problem(code, f"byte {place - first + 1}", {"example": example})


def confirm(block: bytes, end: int, places: Places) -> Iterator[Hit]:
    """Yield (code, place, bytes) of what stands at the places, each once.

    A place is where a match begins; of an e-mail address the @, of an IPv4 address the first
    point, of a telephone number without + the sign before its last digits.
    """
    for kind, found in places.items():
        search = _SEARCH.get(kind)
        done = 0
        for place in sorted(found):
            if place < done or place >= end:
                continue
            if search is None:
                yield kind, place, block[place : place + 3]
                continue
            match = search(block, place, done, end)
            if match is not None:
                done = match.end()
                code = _code(kind, match)
                if code:
                    yield code, match.start(), match[0]


Search = Callable[[bytes, int, int, int], "re.Match[bytes] | None"]


def _begins(form: re.Pattern[bytes]) -> Search:
    """Return a search for a pattern that begins at the place."""
    return lambda block, place, _, end: form.match(block, place, end)


def _goes_back(form: re.Pattern[bytes], signs: bytes, most: int) -> Search:
    """Return a search for a pattern that begins with at most so many of these signs before."""

    def search(block: bytes, place: int, done: int, end: int) -> re.Match[bytes] | None:
        before = block[max(0, place - most) : place]
        start = place - len(before) + len(before.rstrip(signs))
        return form.match(block, start, end) if start >= done else None

    return search


_SEARCH: dict[str, Search] = {
    "key": _begins(patterns.KEY),
    "email": _goes_back(patterns.EMAIL, _LOCAL, 65),
    "private_key": _begins(patterns.PRIVATE_KEY),
    "us_ssn": _begins(patterns.SSN),
    "ipv4": _goes_back(patterns.IPV4, _DIGITS, 4),
    "card_number": _begins(patterns.CARD),
    "iban": _begins(patterns.IBAN),
    "phone": phones.find_sure,
    "placeholders": _begins(patterns.PLACEHOLDER),
    "special_tokens": _begins(patterns.SPECIAL),
}


def _code(kind: str, match: re.Match[bytes]) -> str:
    """Return the code of a match; none if its check digits are wrong."""
    if kind == "key":
        return patterns.KEY_NAMES[(match.lastindex or 1) - 1]
    if kind == "card_number" and not patterns.luhn(match[0]):
        return ""
    if kind == "iban" and not patterns.iban(match[0]):
        return ""
    return kind


def _more_phones(
    block: bytes, end: int, places: Iterable[int], hits: Iterable[Hit]
) -> Iterator[Hit]:
    """Yield what may be telephone numbers beside those that were found."""
    known = sorted((place, place + len(text)) for code, place, text in hits if code == "phone")
    i = done = 0
    for place in sorted(places):
        match = phones.find_any(block, place, done, end) if done <= place < end else None
        if match is None:
            continue
        done = match.end()
        while i < len(known) and known[i][1] <= match.start():
            i += 1
        if i == len(known) or done <= known[i][0]:
            yield "phone", match.start(), match[0]
