"""A frame as text and as HTML."""

from __future__ import annotations

import base64
import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ft_runtime.progress.frame import Frame, duration, line, sparkline, thinned
from ft_runtime.progress.html import MARK, POINTS, html

FULL = Frame(
    "Training", 120, 400, ("epoch 0.60 of 2", "loss 1.5000", "3,210 tokens/s"),
    curve=tuple((step, 4 / step) for step in range(1, 41)), marks=((20, 1.0), (40, 0.5)),
    lines=("base: 3 batches",),
)  # fmt: skip


def test_a_line_says_everything():
    assert line(FULL) == (
        "Training 120/400 · epoch 0.60 of 2 · loss 1.5000 · 3,210 tokens/s · █▃▂▂▂▁▁▁▁▁▁▁▁▁▁▁"
    )
    assert line(Frame("Waiting")) == "Waiting"


def test_a_narrow_terminal_loses_the_least_important_first():
    assert line(FULL, 70) == "Training 120/400 · epoch 0.60 of 2 · loss 1.5000 · 3,210 tokens/s"
    assert line(FULL, 40) == "Training 120/400 · epoch 0.60 of 2"
    assert line(FULL, 8) == "Training"


@given(st.integers(0, 200))
def test_a_line_is_never_wider_than_the_terminal(width):
    assert len(line(FULL, width)) <= width


@given(st.lists(st.floats(), max_size=300), st.integers(1, 40))
def test_a_curve_is_drawn_of_any_numbers(values, count):
    shown = sparkline(values, count)
    assert len(shown) <= count
    assert set(shown) <= set("▁▂▃▄▅▆▇█")


def test_a_curve_falls_as_the_numbers_do():
    assert sparkline([8, 7, 6, 5, 4, 3, 2, 1]) == "█▇▆▅▄▃▂▁"
    assert sparkline([1, 1, 1]) == "▁▁▁"
    assert sparkline([3]) == ""


def test_neighbours_are_averaged():
    points = [(float(x), float(x * x)) for x in range(6)]
    assert thinned(points, 3) == [(0.5, 0.5), (2.5, 6.5), (4.5, 20.5)]
    assert thinned([(0, math.nan), (1, 2.0)], 3) == [(1, 2.0)]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (7.4, "0:07"), (130, "2:10"), (3723, "1:02:03"), (-1, "0:00")],
)
def test_times_are_for_people(seconds, shown):
    assert duration(seconds) == shown


def picture(text):
    """The points and the dots of the picture in a frame's HTML."""
    (source,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', text)
    root = ElementTree.fromstring(base64.b64decode(source))
    named = {item.tag.split("}")[1]: item for item in root}
    points = [tuple(map(float, p.split(","))) for p in named["polyline"].get("points").split()]
    return points, [item for item in root if item.tag.endswith("circle")]


def test_html_needs_no_script_and_no_style():
    shown = html(FULL)
    assert MARK in shown
    assert '<progress value="120" max="400"></progress> 120/400' in shown
    assert "loss 1.5000" in shown
    assert "base: 3 batches" in shown
    tags = set(re.findall(r"<(\w+)", shown))
    # What JupyterLab keeps of a notebook that is not trusted.
    assert tags == {"div", "b", "progress", "br", "img"}
    assert "http" not in shown


def test_the_picture_is_the_curve():
    points, dots = picture(html(FULL))
    assert len(points) == 40
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    # Downwards is larger in a picture: the loss falls.
    assert [y for _, y in points] == sorted(y for _, y in points)
    assert len(dots) == 2


def test_a_long_training_draws_no_larger_picture():
    long = Frame("Training", 1, 2, curve=tuple((i, 1 / (i + 1)) for i in range(50_000)))
    assert len(picture(html(long))[0]) == POINTS
    assert len(html(long)) < 6000


def test_text_stays_text():
    shown = html(Frame("<script>", 1, 2, ("<b>&",), lines=("<img>",)))
    assert "<script>" not in shown
    assert "&lt;b&gt;&amp;" in shown
    assert "&lt;img&gt;" in shown
