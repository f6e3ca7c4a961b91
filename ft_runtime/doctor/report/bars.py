"""Bar charts as inline SVG."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_WIDTH, _HEIGHT, _GAP = 720, 18, 4
_NAME, _COUNT = 190, 90


class Bar(NamedTuple):
    """One bar: what it is and how many."""

    name: str
    rows: int


def bars(values: Sequence[Bar]) -> str:
    """Return horizontal bars with their names and counts, readable without colour."""
    most = max((bar.rows for bar in values), default=0) or 1
    room = _WIDTH - _NAME - _COUNT
    step = _HEIGHT + _GAP
    parts = []
    for number, bar in enumerate(values):
        top = number * step
        width = max(1.0 if bar.rows else 0.0, room * bar.rows / most)
        middle = top + _HEIGHT * 0.72
        name = html.escape(bar.name.encode("utf-8", "backslashreplace").decode())
        parts.append(
            f'<text x="{_NAME - 8}" y="{middle:.0f}" text-anchor="end">{name}</text>'
            f'<rect x="{_NAME}" y="{top}" width="{width:.1f}" height="{_HEIGHT}" rx="2"/>'
            f'<text class="soft" x="{_NAME + width + 6:.0f}" y="{middle:.0f}">{bar.rows:,}</text>'
        )
    height = max(1, len(values) * step)
    label = html.escape("; ".join(f"{bar.name} {bar.rows}" for bar in values[:40]), quote=True)
    label = label.encode("utf-8", "backslashreplace").decode()
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg>'
    )


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
