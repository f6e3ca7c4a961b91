"""When frames are drawn, and where."""

from __future__ import annotations

import io
import random
import sys
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ft_runtime.progress import Board, Frame, board, shown, together, track
from ft_runtime.progress.screens import Log, Notebook, Terminal, screen
from ft_runtime.progress.throttle import SHARE


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Slow:
    """A screen on which drawing takes time."""

    interval = 1.0
    patient = False

    def __init__(self, clock=None, cost=0.0):
        self.clock, self.cost = clock, cost
        self.drawn, self.closed = [], []

    def draw(self, frame):
        self.drawn.append(frame)
        if self.clock is not None:
            self.clock.now += self.cost

    def close(self, frame):
        self.closed.append(frame)


@given(st.floats(1e-4, 3.0), st.floats(1e-4, 5.0))
@example(0.005, 0.3317)
def test_drawing_takes_one_percent_at_most(cost, step):
    clock = Clock()
    slow = Slow(clock, cost)
    here = Board(slow, clock)
    worked = 0.0
    for _ in range(2000):
        worked += step
        clock.now += step
        here.show(lambda: Frame("x"))
    # The first drawing is free: until then nothing is known of its cost.
    drawing = cost * (len(slow.drawn) - 1)
    assert drawing <= SHARE * (worked + drawing) + 1e-6
    assert len(slow.drawn) <= (clock.now - 1000.0) / slow.interval + 1 + 1e-6


def test_frames_that_are_not_drawn_are_not_made():
    clock, made = Clock(), []
    here = Board(Slow(clock), clock)
    for _ in range(1000):
        clock.now += 0.01
        here.show(lambda: made.append(1) or Frame("x"))
    assert len(made) == 10


def test_a_log_file_has_a_line_now_and_then_and_none_of_a_short_work():
    clock, stream = Clock(), io.StringIO()
    here = Board(Log(stream), clock)
    for _ in range(95):
        here.show(lambda: Frame("Training", 1, 2))
        clock.now += 1.0
    here.close(Frame("Training", 2, 2))
    assert stream.getvalue() == "Training 1/2\n" * 3


def test_a_terminal_has_one_line_that_is_drawn_over(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    stream = io.StringIO()
    here = Terminal(stream)
    here.draw(Frame("Training", 1, 9, ("x" * 50,)))
    here.draw(Frame("Training", 2, 9))
    here.close(Frame("Training", 9, 9, ("loss 2 → 1",), lines=("before",)))
    assert stream.getvalue() == (
        "\r\033[KTraining 1/9\r\r\033[KTraining 2/9\r\r\033[Kbefore\nTraining 9/9 · loss 2 → 1\n"
    )


def test_a_terminal_that_is_gone_stops_nothing():
    stream = io.StringIO()
    stream.close()
    Terminal(stream).draw(Frame("x"))
    Log(stream).draw(Frame("x"))


def test_a_notebook_has_one_output_that_is_updated(monkeypatch):
    sent = []
    monkeypatch.setattr(
        "IPython.display.publish_display_data", lambda data, **more: sent.append((data, more))
    )
    random.seed(1)
    before = random.getstate()
    here = Notebook()
    here.draw(Frame("Training", 1, 2))
    here.close(Frame("Training", 2, 2, ("loss 1",), lines=("before",)))
    assert random.getstate() == before
    (first, opened), (last, updated) = sent
    assert first["text/plain"] == "Training 1/2"
    assert last["text/plain"] == "Training 2/2 · loss 1\nbefore"
    assert not opened["update"]
    assert updated["update"]
    # The name of the output is transient: nothing of it is saved in the notebook.
    assert opened["transient"] == updated["transient"]
    assert set(opened) == {"transient", "update"}


@pytest.mark.parametrize(
    ("kernel", "terminal", "kind"), [(1, 0, Notebook), (0, 1, Terminal), (0, 0, Log)]
)
def test_the_screen_is_where_somebody_looks(monkeypatch, kernel, terminal, kind):
    monkeypatch.setattr("ft_runtime.progress.screens.in_notebook", lambda: bool(kernel))
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: bool(terminal)))
    assert isinstance(screen(), kind)


def test_loops_of_one_work_share_a_board(monkeypatch):
    clock, slow = Clock(), Slow()
    monkeypatch.setattr(board, "screen", lambda: slow)
    with together("Evaluation", clock):
        for label in ("base", "tuned"):
            for item in track(range(4), 4, label):
                assert item < 4
                clock.now += 2.0
    assert [(frame.done, frame.facts, frame.lines) for frame in slow.drawn[:6]] == [
        (0, ("base",), ()),
        (1, ("base", "0:06 left"), ()),
        (2, ("base", "0:04 left"), ()),
        (3, ("base", "0:02 left"), ()),
        (0, ("tuned",), ("base: 4 batches in 0:08",)),
        (1, ("tuned", "0:06 left"), ("base: 4 batches in 0:08",)),
    ]
    (last,) = slow.closed
    assert last.lines == ("base: 4 batches in 0:08", "tuned: 4 batches in 0:08")


def test_a_loop_alone_has_a_board_of_its_own_and_passes_errors_on(monkeypatch):
    slow = Slow()
    monkeypatch.setattr(board, "screen", lambda: slow)
    assert list(track("abc", 3, "letters")) == ["a", "b", "c"]
    assert len(slow.closed) == 1

    def fails():
        for item in track("abc", 3, "letters"):
            raise KeyError(item)

    with pytest.raises(KeyError):
        fails()
    assert board._groups == []


def test_who_wants_no_progress_gets_none(monkeypatch):
    monkeypatch.setattr(board, "screen", lambda: pytest.fail("asked for a screen"))
    with shown(False), together("Evaluation"):
        assert list(track("abc", 3, "letters")) == ["a", "b", "c"]
