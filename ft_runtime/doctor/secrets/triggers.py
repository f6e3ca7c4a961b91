"""Where in a block a pattern may match, found with a few passes over all its bytes.

Each trigger is implied by its pattern, so nothing is missed; it names few places besides. The
passes work on windows that stay in the processor's cache, in arrays that are used again. Where a
pattern is long enough, whole words of four bytes are tested: a run of 4 n + 3 bytes holds n of
them, wherever it begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 1 << 20
_FEW = 200
OVERLAP = 64  # a trigger looks at fewer bytes than that
_ONES = 0x01010101
_SPACE, _DASH, _CAPITAL_B = 32, 45, 66
_TWO_DASHES = 0x2D2D


class Passes:
    """The passes over one window after another; the arrays belong to one thread."""

    def __init__(self) -> None:
        import numpy as np

        size = WINDOW + OVERLAP + 8
        self._bytes: Any = np.empty(size, np.uint8)
        self._masks: Any = [np.zeros(size, bool) for _ in range(3)]
        self._digits: Any = np.zeros(size, bool)

    def windows(self, data: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield place and bytes of windows that overlap; a place is reported in one at least."""
        for start in range(0, data.size, WINDOW):
            if data.size - start >= OVERLAP or start == 0:
                yield start, data[start : start + WINDOW + OVERLAP]

    def rare(self, block: bytes, start: int, data: NDArray[Any], sign: int) -> NDArray[Any]:
        """Return where a byte stands in a window of the block that begins at `start`.

        A search of the C library is several times as fast as a pass, as long as it finds little.
        """
        import numpy as np

        byte, stop = bytes([sign]), start + data.size
        found: list[int] = []
        place = block.find(byte, start, stop)
        while place >= 0:
            found.append(place - start)
            if len(found) > _FEW:
                return self.equal(data, sign)
            place = block.find(byte, place + 1, stop)
        return np.array(found, np.int64)

    def equal(self, data: NDArray[Any], sign: int) -> NDArray[Any]:
        """Return where a byte stands."""
        import numpy as np

        np.equal(data, sign, out=self._masks[0][: data.size])
        return self._places(0, data.size)

    def twice(self, data: NDArray[Any], sign: int, step: int = 1) -> NDArray[Any]:
        """Return where a byte stands, and again `step` bytes behind."""
        import numpy as np

        one = np.equal(data, sign, out=self._masks[0][: data.size])
        size = data.size - step
        np.logical_and(one[:size], one[step:], out=self._masks[1][:size])
        return self._places(1, size)

    def runs(self, data: NDArray[Any]) -> NDArray[Any]:
        """Return where 16 bytes of ``-`` to DEL without backslash stand, in steps of four.

        Keys and tokens are runs of 19 bytes at least.
        """
        import numpy as np

        inside = np.greater(data.view(np.int8), 44, out=self._masks[0][: data.size])
        inside &= np.not_equal(data, 92, out=self._masks[1][: data.size])
        words = self._words(inside)
        two = words[:-1] & words[1:]
        return np.flatnonzero(two[:-2] & two[2:]) * 4

    def digits(self, data: NDArray[Any]) -> NDArray[Any]:
        """Return which bytes are digits; the array is used again for the next window."""
        import numpy as np

        shifted = np.subtract(data, np.uint8(48), out=self._bytes[: data.size])
        return np.less(shifted, 10, out=self._digits[: data.size])

    def ibans(self, data: NDArray[Any], digit: NDArray[Any]) -> NDArray[Any]:
        """Return where two capitals and two digits stand."""
        import numpy as np

        size = data.size
        shifted = np.subtract(data, np.uint8(65), out=self._bytes[:size])
        capital = np.less(shifted, 26, out=self._masks[0][:size])
        found = np.logical_and(capital[:-3], capital[1:-2], out=self._masks[1][: size - 3])
        found &= digit[2:-1]
        found &= digit[3:]
        return self._places(1, size - 3)

    def numbers(
        self, data: NDArray[Any], digit: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return a place in each card number, and the first dot of an IPv4, dash of an SSN."""
        import numpy as np

        size = data.size
        shifted = np.subtract(data, np.uint8(_DASH), out=self._bytes[:size])
        between = np.less(shifted, 2, out=self._masks[1][:size])  # a dash or a point
        near = np.logical_and(between[1:-1], digit[:-2], out=self._masks[2][: size - 2])
        near &= digit[2:]
        at = self._places(2, size - 2) + 1
        dash = data.take(at) == _DASH
        ssn = at[dash]
        ssn = ssn[ssn < size - 3]
        ssn = ssn[(data.take(ssn + 3) == _DASH) & _is_digit(data.take(ssn + 2))]
        dots = at[~dash]
        if dots.size < 3:
            return self._groups(data, digit), dots[:0], ssn
        close = np.diff(dots) <= 4
        return self._groups(data, digit), dots[:-2][close[:-1] & close[1:]], ssn

    def _groups(self, data: NDArray[Any], digit: NDArray[Any]) -> NDArray[Any]:
        """Return where groups of four digits of a card number may stand.

        Four digits at a place that is a multiple of four: of groups of four with a sign between
        one always lies there. Beside them stands a digit, or a sign and then a digit.
        """
        import numpy as np

        groups: Any = np.flatnonzero(self._words(digit)) * 4
        if groups.size:
            beside: Any = np.zeros(groups.size, bool)
            for one, two in ((4, 5), (-1, -2)):
                byte = data.take(groups + one, mode="clip")
                sign = (byte == _SPACE) | (byte == _DASH)
                beside |= _is_digit(byte)
                beside |= sign & _is_digit(data.take(groups + two, mode="clip"))
            groups = groups[beside]
        return groups

    def heads(self, data: NDArray[Any]) -> NDArray[Any]:
        """Return the first or second dash of five before a B, as a private key begins.

        Five dashes hold two pairs, one behind the other, that begin at an even place.
        """
        import numpy as np

        half = data.size >> 1
        pair = np.equal(data[: half * 2].view(np.uint16), _TWO_DASHES, out=self._masks[0][:half])
        np.logical_and(pair[:-1], pair[1:], out=self._masks[1][: half - 1])
        at = self._places(1, half - 1) * 2
        fourth, fifth = data.take(at + 4, mode="clip"), data.take(at + 5, mode="clip")
        return at[(fourth == _CAPITAL_B) | (fifth == _CAPITAL_B)]

    def separators(self, data: NDArray[Any]) -> NDArray[Any]:
        """Return where the UTF-8 of U+2028 or U+2029 stands."""
        lead = self.equal(data, 0xE2)
        lead = lead[lead < data.size - 2]
        if lead.size:
            lead = lead[data.take(lead + 1) == 0x80]
            lead = lead[(data.take(lead + 2) | 1) == 0xA9]
        return lead

    def _words(self, mask: NDArray[Any]) -> NDArray[Any]:
        """Return which words of four bytes are set in all of them."""
        import numpy as np

        words = mask.size >> 2
        found: NDArray[Any] = mask[: words * 4].view(np.uint32) == _ONES
        return found

    def _places(self, number: int, size: int) -> NDArray[Any]:
        """Return where a mask is set; few places are, so eight of them are looked at in one."""
        import numpy as np

        mask = self._masks[number]
        mask[size : size + 8] = False
        mask = mask[: (size + 7) & ~7]
        words = np.flatnonzero(mask.view(np.uint64) != 0)
        if not words.size:
            return words
        at = np.flatnonzero(mask.reshape(-1, 8)[words])
        return (words.take(at >> 3) << 3) + (at & 7)


def _is_digit(byte: NDArray[Any]) -> NDArray[Any]:
    return (byte >= 48) & (byte <= 57)
