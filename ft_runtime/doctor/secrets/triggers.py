"""Where in a block a pattern may match, found with a few passes over all its bytes.

Each trigger is implied by its pattern, so nothing is missed; it names few places besides. The
passes work on windows that stay in the processor's cache, in arrays that are used again. Where a
pattern is long enough, whole words of four bytes are tested: a run of 4 n + 3 bytes holds n of
them, wherever it begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.secrets import begins, numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 1 << 20
_FEW = 100
OVERLAP = 64  # a trigger looks at fewer bytes than that
_ONES = 0x01010101
_PLUS, _POINT, _LESS, _AT, _CAPITAL_B, _UNIT, _BRACE = b"+.<@Bu{"
_TWO_DASHES = 0x2D2D


class Passes:
    """The passes over one block after another; the arrays belong to one thread."""

    def __init__(self) -> None:
        import numpy as np

        size = WINDOW + 2 * OVERLAP + 8
        self._often: set[int] = set()
        self._bytes: Any = np.empty(size, np.uint8)
        self._masks: Any = [np.zeros(size, bool) for _ in range(2)]

    def find(self, block: bytes, end: int, secrets: bool, oddities: bool) -> dict[str, list[int]]:
        """Return the places in ``block[:end]`` by kind, as `find.confirm` wants them."""
        import numpy as np

        def kinds(start: int, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
            made = self._secrets(block, start, window) if secrets else {}
            return made | (self._oddities(block, start, window) if oddities else {})

        found = self._find(block, end, kinds)
        data = np.frombuffer(block, np.uint8)
        if oddities:
            found["special_tokens"] = begins.specials(data, found["special_tokens"])
        if secrets:
            found["key"] = begins.keys(data, found["key"])
            plus = begins.phones(data, found.pop("plus"))
            found |= numbers.places(data, found.pop("numbers"))
            found["phone"] = np.append(found["phone"], plus)
        return {kind: at.tolist() for kind, at in found.items() if at.size}

    def find_phones(self, block: bytes, end: int) -> list[int]:
        """Return the places of whatever may be a telephone number, as `phones.find_any` wants."""
        import numpy as np

        def kinds(start: int, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
            return {"plus": self.rare(block, start, window, _PLUS), "numbers": self.numbers(window)}

        found = self._find(block, end, kinds)
        data = np.frombuffer(block, np.uint8)
        fours = numbers.last_fours(data, found["numbers"])
        return np.append(begins.phones(data, found["plus"]), fours).tolist()  # type: ignore[no-any-return]

    def _find(
        self, block: bytes, end: int, kinds: Callable[[int, NDArray[Any]], dict[str, NDArray[Any]]]
    ) -> dict[str, NDArray[Any]]:
        """Look at windows that overlap; each names the places that begin in its own part."""
        import numpy as np

        found: dict[str, list[NDArray[Any]]] = {}
        data = np.frombuffer(block, np.uint8)
        for first in range(0, max(end, 1), WINDOW):
            start = max(first - OVERLAP, 0)
            for kind, at in kinds(start, data[start : first + WINDOW + OVERLAP]).items():
                at = at + start
                found.setdefault(kind, []).append(at[(at >= first) & (at < first + WINDOW)])
        return {kind: np.concatenate(at) for kind, at in found.items()}

    def _secrets(self, block: bytes, start: int, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {
            "numbers": self.numbers(window),
            "key": self.runs(window),
            "email": self.rare(block, start, window, _AT),
            "private_key": self.heads(window),
            "plus": self.rare(block, start, window, _PLUS),
        }

    def _oddities(self, block: bytes, start: int, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {
            "placeholders": self.twice(window, _BRACE),
            "special_tokens": self.rare(block, start, window, _LESS),
            "line_separators": self.separators(block, start, window),
        }

    def rare(self, block: bytes, start: int, data: NDArray[Any], sign: int) -> NDArray[Any]:
        """Return where a byte stands in a window of the block that begins at `start`.

        A search of the C library is several times as fast as a pass, as long as it finds little.
        """
        import numpy as np

        found: list[int] = []
        if sign not in self._often:
            byte, stop = bytes([sign]), start + data.size
            place = block.find(byte, start, stop)
            while place >= 0 and len(found) <= _FEW:
                found.append(place - start)
                place = block.find(byte, place + 1, stop)
            if len(found) <= _FEW:
                return np.array(found, np.int64)
        at = self.equal(data, sign)
        (self._often.add if at.size > _FEW else self._often.discard)(sign)
        return at

    def equal(self, data: NDArray[Any], sign: int) -> NDArray[Any]:
        """Return where a byte stands."""
        import numpy as np

        np.equal(data, sign, out=self._masks[0][: data.size])
        return self._places(0, data.size)

    def twice(self, data: NDArray[Any], sign: int) -> NDArray[Any]:
        """Return where a byte stands, and again behind itself."""
        import numpy as np

        one = np.equal(data, sign, out=self._masks[0][: data.size])
        size = data.size - 1
        np.logical_and(one[:size], one[1:], out=self._masks[1][:size])
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

    def numbers(self, data: NDArray[Any]) -> NDArray[Any]:
        r"""Return where two digits or more, or digits behind a point, stand behind other bytes.

        Not behind a u: of ``\u0441`` there are very many where JSON escapes a language.
        """
        import numpy as np

        size = data.size
        shifted = np.subtract(data, np.uint8(48), out=self._bytes[:size])
        digit = np.less(shifted, 10, out=self._masks[0][:size])
        first = np.greater(digit[1:-1], digit[:-2], out=self._masks[1][: size - 2])
        wanted = np.equal(data[:-2], _POINT, out=self._bytes.view(bool)[: size - 2])
        first &= np.logical_or(wanted, digit[2:], out=wanted)
        first &= np.not_equal(data[:-2], _UNIT, out=wanted)
        at = self._places(1, size - 2) + 1
        return np.append(0, at) if digit[0] else at

    def heads(self, data: NDArray[Any]) -> NDArray[Any]:
        """Return the first dash of five before a B, as a private key begins.

        Five dashes hold two pairs, one behind the other, that begin at an even place.
        """
        import numpy as np

        half = data.size >> 1
        pair = np.equal(data[: half * 2].view(np.uint16), _TWO_DASHES, out=self._masks[0][:half])
        np.logical_and(pair[:-1], pair[1:], out=self._masks[1][: half - 1])
        at = self._places(1, half - 1) * 2
        fourth, fifth = data.take(at + 4, mode="clip"), data.take(at + 5, mode="clip")
        return np.append(at[fourth == _CAPITAL_B] - 1, at[fifth == _CAPITAL_B])

    def separators(self, block: bytes, start: int, data: NDArray[Any]) -> NDArray[Any]:
        """Return where the UTF-8 of U+2028 or U+2029 stands."""
        lead = self.rare(block, start, data, 0xE2)
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
        if not mask.any():
            return np.zeros(0, np.int64)
        words = np.flatnonzero(mask.view(np.uint64) != 0)
        at = np.flatnonzero(mask.reshape(-1, 8)[words])
        return (words.take(at >> 3) << 3) + (at & 7)
