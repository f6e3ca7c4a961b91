"""Bar charts as inline SVG."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from unicodedata import east_asian_width

_WIDTH, _HEIGHT, _GAP = 720, 18, 4
_COUNT = 90
_LEAST, _MOST, _LETTER = 80, 300, 6.8
"""Room for the names, and what a letter of them takes; pixels."""


class Bar(NamedTuple):
    """One bar: what it is and how many."""

    name: str
    rows: int


def bars(values: Sequence[Bar]) -> str:
    """Return horizontal bars with their names and counts, readable without colour."""
    most = max((bar.rows for bar in values), default=0) or 1
    longest = max((_letters(bar.name) for bar in values), default=0)
    left = round(min(max(longest * _LETTER + 16, _LEAST), _MOST))
    room = _WIDTH - left - _COUNT
    step = _HEIGHT + _GAP
    parts = []
    for number, bar in enumerate(values):
        top = number * step
        width = max(1.0 if bar.rows else 0.0, room * bar.rows / most)
        middle = top + _HEIGHT * 0.72
        name = html.escape(_short(bar.name).encode("utf-8", "backslashreplace").decode())
        parts.append(
            f'<text x="{left - 8}" y="{middle:.0f}" text-anchor="end">{name}</text>'
            f'<rect x="{left}" y="{top}" width="{width:.1f}" height="{_HEIGHT}" rx="2"/>'
            f'<text class="soft" x="{left + width + 6:.0f}" y="{middle:.0f}">{bar.rows:,}</text>'
        )
    height = max(1, len(values) * step)
    label = html.escape("; ".join(f"{bar.name} {bar.rows}" for bar in values[:40]), quote=True)
    label = label.encode("utf-8", "backslashreplace").decode()
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg>'
    )


def _letters(name: str) -> int:
    """Return how many letters wide a name is; those of Chinese and its like count twice."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in name)


def _short(name: str) -> str:
    """Return a name that has room beside its bar."""
    while _letters(name) * _LETTER + 16 > _MOST:
        name = name.removesuffix("…")[:-1] + "…"
    return name


def length_bars(counts: Mapping[int, int]) -> list[Bar]:
    """Return lengths in steps of powers of two, from the shortest to the longest."""
    steps: dict[int, int] = {}
    for length, count in counts.items():
        step = length.bit_length()
        steps[step] = steps.get(step, 0) + count
    if not steps:
        return []
    made = []
    for step in range(min(steps), max(steps) + 1):
        low, high = (1 << step - 1) if step else 0, (1 << step) - 1
        name = f"{low:,}–{high:,}" if high > low else f"{low:,}"
        made.append(Bar(name, steps.get(step, 0)))
    return made
