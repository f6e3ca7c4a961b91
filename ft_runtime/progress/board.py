"""`Board`: draws frames no more often than is good, and `track` for a loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ft_runtime.findings import text
from ft_runtime.progress.frame import Frame, duration
from ft_runtime.progress.screens import Screen, screen
from ft_runtime.progress.throttle import Throttle
from ft_runtime.progress.wish import wanted

T = TypeVar("T")
Clock = Callable[[], float]


class Board:
    """A place where progress is shown while something is going on.

    Parameters
    ----------
    screen : Screen, optional
        By default the one of this process.
    clock : callable
        Seconds, never going back.
    """

    def __init__(self, screen_: Screen | None = None, clock: Clock = time.monotonic) -> None:
        self.screen = screen_ or screen()
        self.clock = clock
        self._throttle = Throttle(self.screen.interval, clock=clock)
        if self.screen.patient:
            self._throttle.wait()

    def show(self, make: Callable[[], Frame]) -> None:
        """Draw what `make` returns, if it is time to; else it is not called."""
        if not self._throttle.ready():
            return
        since = self.clock()
        self.screen.draw(make())
        self._throttle.drawn(since)

    def close(self, frame: Frame) -> None:
        """Draw the frame that stays."""
        self.screen.close(frame)


class _Group:
    """Several loops on one board, one after the other."""

    def __init__(self, title: str, board: Board) -> None:
        self.title = title
        self.board = board
        self.lines: list[str] = []

    def follow(self, items: Iterable[T], total: int, label: str) -> Iterator[T]:
        begin, done = self.board.clock(), 0

        def frame() -> Frame:
            seconds = self.board.clock() - begin
            left = seconds / done * (total - done) if done else 0.0
            facts = (label, *([text("progress.left", time=duration(left))] if done else []))
            return Frame(self.title, done, total, facts, lines=tuple(self.lines))

        for item in items:
            self.board.show(frame)
            yield item
            done += 1
        took = duration(self.board.clock() - begin)
        self.lines.append(text("progress.loop", label=label, count=f"{done:,}", time=took))

    def close(self) -> None:
        self.board.close(Frame(self.title, lines=tuple(self.lines)))


_groups: list[_Group | None] = []


@contextmanager
def together(title: str, clock: Clock = time.monotonic) -> Iterator[None]:
    """Show the loops that are tracked in the block on one board, which ends as a list of them.

    Parameters
    ----------
    title : str
    clock : callable
        Seconds, never going back.
    """
    group = _Group(title, Board(clock=clock)) if wanted() else None
    _groups.append(group)
    try:
        yield
    finally:
        _groups.pop()
        if group is not None and group.lines:
            group.close()


def track(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Pass `items` on, and show how many of `total` are done.

    Parameters
    ----------
    items : iterable
    total : int
    label : str
        What is done with them.
    """
    if _groups:
        group = _groups[-1]
        yield from items if group is None else group.follow(items, total, label)
        return
    with together(label):
        group = _groups[-1]
        yield from items if group is None else group.follow(items, total, label)
