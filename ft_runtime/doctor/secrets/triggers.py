"""Where in a block a pattern may match, found with a few passes over all its bytes.

Each trigger is implied by its pattern, so nothing is missed; it names few places besides. The
passes work on windows that stay in the processor's cache, in arrays that are used again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 1 << 18
OVERLAP = 64  # a trigger looks at fewer bytes than that
_ONES = 0x01010101


class Passes:
    """The passes over one window after another.

    Parameters
    ----------
    data : ndarray of uint8
        The bytes of a block.
    """

    def __init__(self) -> None:
        import numpy as np

        size = WINDOW + OVERLAP
        self._bytes: Any = np.empty(size, np.uint8)
        self._masks: Any = [np.empty(size + 8, bool) for _ in range(4)]

    def windows(self, data: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield place and bytes of windows that overlap; a place is reported in one at least."""
        for start in range(0, data.size, WINDOW):
            if data.size - start >= OVERLAP or start == 0:
                yield start, data[start : start + WINDOW + OVERLAP]

    def equal(self, data: NDArray[Any], sign: int) -> NDArray[Any]:
        """Return where a byte stands."""
        import numpy as np

        return _places(np.equal(data, sign, out=self._masks[0][: data.size]))

    def sequence(self, data: NDArray[Any], *signs: int) -> NDArray[Any]:
        """Return where these bytes stand one after another."""
        import numpy as np

        found, other = self._masks[:2]
        size = data.size - len(signs) + 1
        np.equal(data[:size], signs[0], out=found[:size])
        for step, sign in enumerate(signs[1:], 1):
            found[:size] &= np.equal(data[step : step + size], sign, out=other[:size])
        return _places(found[:size])

    def _range(self, data: NDArray[Any], first: int, count: int, into: int) -> NDArray[Any]:
        """Return which bytes are one of `count` in a row (wrapping round makes it one test)."""
        import numpy as np

        shifted = np.subtract(data, np.uint8(first), out=self._bytes[: data.size])
        return np.less(shifted, count, out=self._masks[into][: data.size])

    def _words(self, mask: NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        words = mask.size >> 2
        return mask[: words * 4].view(np.uint32) == _ONES

    def runs(self, data: NDArray[Any]) -> NDArray[Any]:
        """Return where 16 bytes from ``-`` to ``z`` without backslash stand, in steps of four.

        A run of 19 bytes holds four whole words of four bytes.
        """
        import numpy as np

        inside = self._range(data, 45, 78, 0)
        inside &= np.not_equal(data, 92, out=self._masks[1][: data.size])
        words = self._words(inside)
        two = words[:-1] & words[1:]
        return np.flatnonzero(two[:-2] & two[2:]) * 4

    def numbers(self, data: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return where IBANs, cards, SSNs and IPv4 addresses may stand."""
        import numpy as np

        size = data.size
        digit = self._range(data, 48, 10, 0)
        two = np.logical_and(digit[:-1], digit[1:], out=self._masks[1][: size - 1])
        four = np.logical_and(two[:-2], two[2:], out=self._masks[2][: size - 3])
        at = _places(four)
        # A card: four digits and four more, at once or behind one sign.
        ahead = np.minimum(at + 4, four.size - 1)
        groups = at[four.take(ahead) | four.take(np.minimum(ahead + 1, four.size - 1))]
        # An SSN ends in four digits behind a dash, two digits and a dash.
        ssn = at[at >= 7]
        ssn = ssn[(data.take(ssn - 1) == 45) & (data.take(ssn - 4) == 45)] - 7
        # An IBAN begins with two capitals and two digits.
        capital = self._range(data, 65, 26, 2)
        pair = np.logical_and(capital[:-3], capital[1:-2], out=self._masks[3][: size - 3])
        pair &= two[2:]
        iban = _places(pair)
        point = _places(np.equal(data, 46, out=self._masks[1][:size]))
        gaps = np.diff(point)
        near = (gaps >= 2) & (gaps <= 4)
        ipv4 = point[:-2][near[:-1] & near[1:]] if point.size > 2 else point[:0]
        ipv4 = ipv4[digit.take(ipv4 + 1)]
        return iban, groups, ssn, ipv4

    def dashes(self, data: NDArray[Any]) -> NDArray[Any]:
        """Return where five dashes stand before a B, as at the head of a private key."""
        import numpy as np

        mask = np.equal(data, 45, out=self._masks[0][: data.size])
        # Five dashes hold two whole words of two bytes.
        words = mask[: data.size & ~1].view(np.uint16) == 0x0101
        at = _places(words[:-1] & words[1:]) * 2
        if not at.size:
            return at
        at = np.unique(np.concatenate([at - 1, at]))
        at = at[(at >= 0) & (at < data.size - 5)]
        return at[(data.take(at + 4) == 45) & (data.take(at + 5) == 66)]


def _places(mask: NDArray[Any]) -> NDArray[Any]:
    """Return where a mask is set; most are set nowhere, which is cheaper to see."""
    import numpy as np

    return np.flatnonzero(mask) if mask.any() else np.zeros(0, np.int64)
