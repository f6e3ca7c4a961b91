"""Where in a block a pattern may match, found with a few passes over all its bytes.

Each trigger is implied by its pattern, so nothing is missed; it names few places besides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONG = 16  # the least run of letters, digits, - and _ in any of the keys


def runs(data: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return begin and end of the runs of 16 or more bytes from ``-`` to ``z``, no backslash."""
    import numpy as np

    inside = (data - np.uint8(45)) < 78
    inside &= data != 92
    for step in (1, 2, 4, 8):
        inside = inside[:-step] & inside[step:]
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    if inside[0]:
        edges = np.append(0, edges)
    if edges.size & 1:
        edges = np.append(edges, inside.size)
    return edges[0::2], edges[1::2] + _LONG - 1


def digits(data: NDArray[Any]) -> NDArray[Any]:
    """Return which bytes are digits."""
    import numpy as np

    return (data - np.uint8(48)) < 10


def ssn(data: NDArray[Any], digit: NDArray[Any]) -> NDArray[Any]:
    """Return where ``d-dd-d`` stands."""
    import numpy as np

    dash = data == 45
    found = dash[1:-4] & dash[4:-1]
    found &= digit[:-5]
    found &= digit[2:-3]
    found &= digit[5:]
    return np.flatnonzero(found)


def ipv4(data: NDArray[Any], digit: NDArray[Any]) -> NDArray[Any]:
    """Return where the first of three points among digits stands, two to four bytes apart."""
    import numpy as np

    point = data[1:-1] == 46
    point &= digit[:-2]
    point &= digit[2:]
    at = np.flatnonzero(point) + 1
    if at.size < 3:
        return at[:0]
    steps = np.diff(at)
    return at[:-2][(steps[:-1] <= 4) & (steps[1:] <= 4)]


def groups(digit: NDArray[Any]) -> NDArray[Any]:
    """Return where four digits stand and four more follow, at once or after one sign."""
    import numpy as np

    two = digit[:-1] & digit[1:]
    four = two[:-2] & two[2:]
    size = four.size - 5
    if size <= 0:
        return np.zeros(0, np.int64)
    found = four[4 : 4 + size] | four[5 : 5 + size]
    found &= four[:size]
    return np.flatnonzero(found)


def iban(data: NDArray[Any], digit: NDArray[Any]) -> NDArray[Any]:
    """Return where two capital letters stand before two digits."""
    import numpy as np

    found = digit[2:-1] & digit[3:]
    if not found.any():
        return np.zeros(0, np.int64)
    capital = (data - np.uint8(65)) < 26
    found &= capital[:-3]
    found &= capital[1:-2]
    return np.flatnonzero(found)
