"""A frame as light HTML: no script, no style sheet, nothing to fetch.

JupyterLab strips what it does not trust from a notebook of somebody else: ``<progress>`` and an
``<img>`` with its picture inside pass, an ``<svg>`` does not.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from ft_runtime.progress.frame import Frame, Point, share, sparkline, thinned

MARK = 'class="ft-progress"'
"""In every picture of ours, for whoever reads the outputs of a notebook."""
POINTS = 120
"""Points of a curve at most: a long training draws no larger picture than a short one."""
_WIDTH, _HEIGHT, _MARGIN = 360, 72, 6
# Seen on a white page as well as on a black one.
_LINE, _DOT, _TEXT = "#3b82f6", "#f59e0b", "#808080"


def html(frame: Frame) -> str:
    """Return a frame as HTML."""
    head = f"<b>{escape(frame.title)}</b>"
    if frame.total:
        head += f' <progress value="{frame.done}" max="{frame.total}"></progress> {frame.count}'
    parts = [" · ".join([head, *map(escape, frame.facts)])]
    if picture := curve(frame):
        parts.append(picture)
    parts += [escape(item) for item in frame.lines]
    return f"<div {MARK}>{'<br>'.join(parts)}</div>"


def curve(frame: Frame) -> str:
    """Return the loss curve as an image; nothing for fewer than two points."""
    points = thinned(frame.curve, POINTS)
    if len(points) < 2:
        return ""
    marks = thinned(frame.marks, POINTS)
    picture = base64.b64encode(_svg(points, marks).encode()).decode()
    words = escape(sparkline([value for _, value in frame.curve]))
    source = f"data:image/svg+xml;base64,{picture}"
    return f'<img alt="{words}" width="{_WIDTH}" height="{_HEIGHT}" src="{source}">'


def _svg(points: Sequence[Point], marks: Sequence[Point]) -> str:
    xs, ys = zip(*points, *marks, strict=True)
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)

    def place(point: Point) -> tuple[float, float]:
        x, y = share(point[0], left, right), share(point[1], low, high)
        room = _WIDTH - 2 * _MARGIN - 48, _HEIGHT - 2 * _MARGIN
        return round(_MARGIN + x * room[0], 1), round(_HEIGHT - _MARGIN - y * room[1], 1)

    path = " ".join(f"{x},{y}" for x, y in map(place, points))
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3" fill="{_DOT}"/>' for x, y in map(place, marks))
    label = f'<text x="{_WIDTH - 46}" fill="{_TEXT}" font-family="sans-serif" font-size="11" y='
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'<polyline fill="none" stroke="{_LINE}" stroke-width="1.5" points="{path}"/>{dots}'
        f'{label}"12">{high:.4g}</text>{label}"{_HEIGHT - 3}">{low:.4g}</text></svg>'
    )
