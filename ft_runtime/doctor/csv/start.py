"""Where a record begins behind any place in a CSV file, so that several processes can scan it."""

from __future__ import annotations

from ft_runtime.doctor.opening import read_at


def count_quotes(handle: int, start: int, stop: int, block: int) -> int:
    """Return how many double quotes lie in ``[start, stop)``."""
    import numpy as np

    total = 0
    while start < stop and (data := read_at(handle, min(block, stop - start), start)):
        total += int(np.count_nonzero(np.frombuffer(data, np.uint8) == 34))
        start += len(data)
    return total


def record_start(handle: int, start: int, size: int, odd: bool, block: int) -> int:
    """Return the place behind the first line break at or after ``start - 1`` outside quotes.

    Parameters
    ----------
    odd : bool
        Whether the number of quotes before ``start - 1`` is odd. A guess: a stray quote before
        `start` makes it wrong, which shows in the part before ending elsewhere.
    """
    import numpy as np

    at = start - 1
    while at < size and (data := read_at(handle, min(block, size - at), at)):
        signs = np.frombuffer(data, np.uint8)
        places = np.flatnonzero((signs == 34) | (signs == 10))
        quotes = signs.take(places) == 34
        outside = ((np.cumsum(quotes) + odd) & 1) == 0
        breaks = np.flatnonzero(outside & ~quotes)
        if breaks.size:
            return at + int(places[breaks[0]]) + 1
        odd = bool((int(np.count_nonzero(quotes)) + odd) & 1)
        at += len(data)
    return min(at, size)
