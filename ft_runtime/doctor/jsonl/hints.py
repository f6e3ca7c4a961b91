"""What the slow path asks of a line's bytes, and of a whole block where many lines are slow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STRETCH = 1 << 18
_LONGEST_RUN = 8
_RISKY = re.compile(rb"\\(?:u00[01]|b|f)")


def is_risky(line: bytes) -> bool:
    """Return whether an escape of a line may stand for a control character."""
    if b"\\" not in line or not _RISKY.search(line):
        return False
    # A backslash that is escaped itself begins nothing.
    return b"\\\\" not in line or bool(_RISKY.search(line.replace(b"\\\\", b"")))


def risky_lines(block: bytes, end: int, starts: NDArray[Any]) -> frozenset[int]:
    """Return which lines of ``block[:end]`` are risky; one too many does no harm.

    Parameters
    ----------
    block : bytes
        At least four bytes longer than `end`.
    starts : ndarray
        Where the lines begin.
    """
    import numpy as np

    data = np.frombuffer(block, np.uint8, count=end + 4)
    found: set[int] = set()
    for start in range(0, end, _STRETCH):  # stretches that stay in the cache
        stop = min(start + _STRETCH, end)
        after = data[start + 1 : stop + 1]
        control = (after | 4) == 102  # b or f
        unit = after == 117
        for k in (2, 3):
            unit &= data[start + k : stop + k] == 48
        control |= unit
        control &= data[start:stop] == 92
        if control.any():
            at: Any = np.flatnonzero(control) + start
            unit = (data.take(at + 1) == 117) & ((data.take(at + 4) | 1) != 49)
            at = _unescaped(data, at[~unit])
            lines: NDArray[Any] = np.searchsorted(starts, at, side="right") - 1
            found.update(lines.tolist())
    return frozenset(found)


def _unescaped(data: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Return which of these backslashes begin an escape, and are not escaped themselves."""
    import numpy as np

    begins: Any = np.ones(at.size, bool)
    before, alive = at - 1, np.arange(at.size)
    for _ in range(_LONGEST_RUN):
        alive = alive[(before[alive] >= 0) & (data.take(np.maximum(before[alive], 0)) == 92)]
        if not alive.size:
            break
        begins[alive] ^= True
        before[alive] -= 1
    begins[alive] = True  # not known
    return at[begins]


def has_keys(line: bytes, count: int) -> bool:
    r"""Return whether a line that is JSON has so many keys for sure, none of them twice.

    Each key has a colon: with as many colons as keys there is no other. More colons behind quotes
    than keys may be a key that is repeated, or text; white space between the two makes that count
    useless.
    """
    if line.count(b":") == count:
        return True
    if line.count(b'":') != count:
        return False
    return not (count and (b"\t" in line or b"\r" in line or b" :" in line))
