"""How often progress may be drawn."""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.01
"""Most of the time that drawing may take."""


class Throttle:
    """Says when to draw: no more often than `interval`, and for no more than `share` of the time.

    Parameters
    ----------
    interval : float
        Seconds between the beginnings of two drawings.
    share : float
        After a drawing that took s seconds the next one waits s / `share` at least. A front end
        that is slow to take pictures gets fewer of them.
    clock : callable
        Seconds, never going back.
    """

    def __init__(
        self, interval: float, share: float = SHARE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.interval = interval
        self.share = share
        self.clock = clock
        self._next = clock()

    def ready(self) -> bool:
        """Return True when it is time to draw."""
        return self.clock() >= self._next

    def wait(self) -> None:
        """Let a whole interval pass before the first drawing."""
        self._next = self.clock() + self.interval

    def drawn(self, since: float) -> None:
        """Take note of a drawing that began at `since` and has ended."""
        now = self.clock()
        self._next = max(since + self.interval, now + (now - since) / self.share)
