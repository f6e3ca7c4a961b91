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
_MORE = 32
_AFTER_LESS = list(b"|/speubm")


def marker(secrets: bool, phone: bool, oddities: bool) -> Callable[..., None]:
    """Return the marker (see `jsonl.scan`) for the checks asked for."""
    passes = triggers.Passes()

    def mark(block: bytes, end: int, starts: NDArray[Any], base: int, part: Part) -> None:
        import numpy as np

        # A few bytes more than the block: short blocks are no case of their own.
        data = np.frombuffer(block, np.uint8, count=min(len(block), end + _MORE))
        hits: set[Hit] = set()
        odd: set[Hit] = set()
        for at, window in passes.windows(data):
            if window.size < _MORE:
                continue
            if secrets:
                hits.update(find_secrets(block, end, at, window, passes))
            if oddities:
                odd.update(find_oddities(block, end, at, window, passes))
        if phone:
            for match in patterns.PHONE.finditer(block, 0, end):
                hits.add(("phone", match.start(), match[0]))
        _log(hits, odd, starts, base, part)

    return mark


def _log(hits: set[Hit], odd: set[Hit], starts: NDArray[Any], base: int, part: Part) -> None:
    if not (hits or odd):
        return
    begin = starts.tolist()
    by_line: dict[int, list[Problem]] = {}
    for code, place, text in sorted(hits | odd, key=lambda hit: (hit[1], hit[0])):
        line = bisect_right(begin, place) - 1
        masked = (code, place, text) in hits
        example = patterns.mask(text) if masked else text.decode("utf-8", "replace")
        problem = Problem(code, f"byte {place - begin[line] + 1}", {"example": example})
        by_line.setdefault(line, []).append(problem)
    for line, problems in by_line.items():
        part.marks.add(base + line + 1, problems)


def find_secrets(
    block: bytes, end: int, at: int, window: NDArray[Any], passes: triggers.Passes
) -> Iterator[Hit]:
    """Yield (code, place, bytes) of each secret that a window of ``block[:end]`` points to."""
    yield from _keys(block, end, at + window.size, (passes.runs(window) + at).tolist())
    mails = passes.rare(block, at, window, 64) + at
    yield from _around(block, end, mails, patterns.EMAIL, "email", 80, 260)
    private = passes.heads(window) + at
    yield from _around(block, end, private, patterns.PRIVATE_KEY, "private_key", 1, 60)
    digit = passes.digits(window)
    cards, ipv4, ssn = passes.numbers(window, digit)
    yield from _around(block, end, ssn + at, patterns.SSN, "us_ssn", 4, 20)
    yield from _around(block, end, ipv4 + at, patterns.IPV4, "ipv4", 4, 24)
    for hit in _around(block, end, cards + at, patterns.CARD, "card_number", 20, 28):
        if patterns.luhn(hit[2]):
            yield hit
    ibans = passes.ibans(window, digit) + at
    for hit in _around(block, end, ibans, patterns.IBAN, "iban", 0, 48):
        if patterns.iban(hit[2]):
            yield hit


def _keys(block: bytes, end: int, edge: int, places: list[int]) -> Iterator[Hit]:
    """Search each run of key-like bytes once; a run begins at most four bytes before a place."""
    i = 0
    while i < len(places):
        first = last = places[i]
        while i + 1 < len(places) and places[i + 1] == last + 4:
            i, last = i + 1, places[i + 1]
        stop = last + 20
        if stop >= edge:  # the window cut the run: it may go on behind
            stop += 4096
        for match in patterns.KEY.finditer(block, max(0, first - 4), min(end, stop)):
            if match.start() > last + 4:
                break
            yield patterns.KEY_NAMES[(match.lastindex or 1) - 1], match.start(), match[0]
        i += 1


def _around(
    block: bytes,
    end: int,
    at: NDArray[Any],
    form: re.Pattern[bytes],
    code: str,
    before: int,
    after: int,
) -> Iterator[Hit]:
    """Yield the matches of a pattern near the places given, each match once."""
    done = 0
    for place in at.tolist():
        if place < done:
            continue
        start = max(done, place - before)
        for match in form.finditer(block, start, min(end, place + after)):
            if match.start() > place:
                break
            if match.end() > place:
                yield code, match.start(), match[0]
                done = match.end()
                break


def find_oddities(
    block: bytes, end: int, at: int, window: NDArray[Any], passes: triggers.Passes
) -> Iterator[Hit]:
    """Yield placeholders, special tokens and line separators that other tools may break at."""
    import numpy as np

    brace = passes.twice(window, 123) + at
    yield from _around(block, end, brace, patterns.PLACEHOLDER, "placeholders", 0, 64)
    less = passes.rare(block, at, window, 60)
    if less.size:
        less = less[np.isin(window.take(np.minimum(less + 1, window.size - 1)), _AFTER_LESS)] + at
        yield from _around(block, end, less, patterns.SPECIAL, "special_tokens", 0, 40)
    for place in (passes.separators(window) + at).tolist():
        if place < end:
            yield "line_separators", place, block[place : place + 3]
