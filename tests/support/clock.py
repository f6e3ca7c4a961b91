"""How long our own code takes, whatever else the machine has to do and however fast it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOP_SECONDS = 0.009
"""What `_loop` takes on the machine that the limits of the tests are for."""


class Stopwatch:
    """Seconds of the processor that a block took, on the machine that the limits are for."""

    seconds = float("inf")

    @contextmanager
    def once(self) -> Iterator[None]:
        """Measure a block; of several, the quickest counts."""
        # Of this process, with the servers that run in it: others may hold the cores.
        start = time.process_time()
        yield
        taken = time.process_time() - start
        self.seconds = min(self.seconds, taken / _slowness())


def quickest(call: Callable[[], object], times: int = 5) -> float:
    """Return the seconds of the quickest of some calls."""
    watch = Stopwatch()
    for _ in range(times):
        with watch.once():
            call()
    return watch.seconds


def _slowness() -> float:
    """How many times as long as it should this machine takes now for a piece of plain Python."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        _loop()
        taken.append(time.process_time() - start)
    return max(1.0, min(taken) / _LOOP_SECONDS)


def _loop() -> dict[int, str]:
    return {n % 1000: str(n) for n in range(100_000)}
