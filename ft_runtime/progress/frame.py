"""One picture of the progress, and its form as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_BARS = "▁▂▃▄▅▆▇█"
_BETWEEN = " · "
SPARKS = 16
"""Characters of a curve in text."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """What is shown at one moment.

    Attributes
    ----------
    title : str
        What is going on.
    done, total : int
        Steps done, and in all; a `total` of 0 is not known.
    facts : tuple of str
        What else is to be said, the most important first.
    curve : tuple of (step, value)
        Training loss, in order.
    marks : tuple of (step, value)
        Validation loss.
    lines : tuple of str
        What was finished before, a line each.
    """

    title: str
    done: int = 0
    total: int = 0
    facts: tuple[str, ...] = ()
    curve: tuple[Point, ...] = ()
    marks: tuple[Point, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def count(self) -> str:
        """``120/400``, or nothing where it is not known."""
        return f"{self.done:,}/{self.total:,}" if self.total else ""


def line(frame: Frame, width: int | None = None) -> str:
    """Return a frame as one line of text.

    Parameters
    ----------
    frame : Frame
    width : int, optional
        Most characters; the curve goes first, then the facts from the last one.
    """
    head = " ".join(part for part in (frame.title, frame.count) if part)
    curve = sparkline([value for _, value in frame.curve])
    parts = [head, *frame.facts]
    whole = _BETWEEN.join([*parts, curve] if curve else parts)
    while width is not None and len(whole) > width and len(parts) > 1:
        whole = _BETWEEN.join(parts)
        if len(whole) > width:
            parts.pop()
            whole = _BETWEEN.join(parts)
    return whole if width is None else whole[: max(width, 0)]


def sparkline(values: Sequence[float], count: int = SPARKS) -> str:
    """Return a curve in at most `count` characters; nothing for fewer than two values."""
    found = thinned([(index, value) for index, value in enumerate(values)], count)
    if len(found) < 2:
        return ""
    low, high = min(y for _, y in found), max(y for _, y in found)
    return "".join(_BARS[round(share(y, low, high) * (len(_BARS) - 1))] for _, y in found)


def share(value: float, low: float, high: float) -> float:
    """Return where a value lies between two others, from 0 to 1; 0 where they are the same."""
    # Halves: the distance of two finite numbers may be infinite.
    span = high / 2 - low / 2
    return (value / 2 - low / 2) / span if span > 0 else 0.0


def thinned(points: Sequence[Point], count: int) -> list[Point]:
    """Return at most `count` points, each the mean of as many neighbours; those not finite go."""
    finite = [(x, y) for x, y in points if math.isfinite(y)]
    if len(finite) <= count:
        return finite
    edges = [round(index * len(finite) / count) for index in range(count + 1)]
    groups = [finite[start:end] for start, end in pairwise(edges)]
    return [(_mean([x for x, _ in group]), _mean([y for _, y in group])) for group in groups]


def duration(seconds: float) -> str:
    """Return a time for people: ``0:07``, ``2:10``, ``1:02:03``."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def _mean(values: Sequence[float]) -> float:
    # Divided first: the sum of finite numbers may be infinite.
    return math.fsum(value / len(values) for value in values)
