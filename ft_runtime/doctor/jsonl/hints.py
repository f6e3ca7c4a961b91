"""What the slow path asks of each line, answered for a whole block where many lines are slow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RISKY = re.compile(rb"\\(?:u00[01]|b|f)")


@dataclass(frozen=True)
class Hints:
    """What a few searches of a line show.

    Attributes
    ----------
    colons : int
        How many colons stand right behind a quote.
    spaced : bool
        Whether a colon may stand behind white space.
    risky : bool
        Whether an escape may stand for a control character.
    """

    colons: int
    spaced: bool
    risky: bool

    @classmethod
    def of(cls, line: bytes) -> Hints:
        """Return the hints of one line."""
        spaced = b"\t" in line or b"\r" in line or b" :" in line
        risky = b"\\" in line and bool(_RISKY.search(line))
        return cls(line.count(b'":'), spaced, risky)


def hints_of(block: bytes, end: int, starts: NDArray[Any]) -> list[Hints]:
    """Return the hints of each line of ``block[:end]``.

    Parameters
    ----------
    block : bytes
        At least two bytes longer than `end`.
    starts : ndarray
        Where the lines begin.
    """
    import numpy as np

    data = np.frombuffer(block, np.uint8, count=end + 2)
    here, behind = data[1:end], data[: end - 1]
    colon = here == 58
    colons = _lines(np.flatnonzero(colon & (behind == 34)) + 1, starts)
    space = (behind == 32) | (behind == 9) | (behind == 13)
    spaced = _lines(np.flatnonzero(colon & space) + 1, starts)
    slash, after = data[:end] == 92, data[1 : end + 1]
    control = np.flatnonzero(slash & ((after == 98) | (after == 102)))
    unit = np.flatnonzero(slash & (after == 117) & (data[2 : end + 2] == 48))
    unit = unit[(unit < end - 4) & (data.take(unit + 3, mode="clip") == 48)]
    unit = unit[(data.take(unit + 4) | 1) == 49]
    risky = _lines(np.sort(np.concatenate([control, unit])), starts)
    return [
        Hints(colon, space > 0, risk > 0)
        for colon, space, risk in zip(colons.tolist(), spaced.tolist(), risky.tolist(), strict=True)
    ]


def _lines(places: NDArray[Any], starts: NDArray[Any]) -> NDArray[Any]:
    """Return how many of the places lie in each line."""
    import numpy as np

    return np.diff(np.searchsorted(places, starts), append=places.size)
