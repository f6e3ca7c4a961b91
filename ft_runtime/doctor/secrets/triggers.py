"""Where in a block a pattern may match, found with a few passes over all its bytes.

Each trigger is implied by its pattern, so nothing is missed; it names few places besides. The
passes work on windows that stay in the processor's cache, in arrays that are used again. Where a
pattern is long enough, whole words of four bytes are tested: a run of 4 n + 3 bytes holds n of
them, wherever it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.secrets import patterns

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 1 << 20
_FEW = 200
OVERLAP = 64  # a trigger looks at fewer bytes than that
_ONES = 0x01010101
_SPACE, _PLUS, _DASH, _POINT, _ZERO, _LESS, _AT, _CAPITAL_B, _BRACE = b" +-.0<@B{"
_TWO_DASHES = 0x2D2D
_AFTER_LESS = list(b"|/speubm")


class Passes:
    """The passes over one block after another; the arrays belong to one thread."""

    def __init__(self) -> None:
        import numpy as np

        size = WINDOW + 2 * OVERLAP + 8
        self._bytes: Any = np.empty(size, np.uint8)
        self._masks: Any = [np.zeros(size, bool) for _ in range(3)]
        self._digits: Any = np.zeros(size, bool)

    def find(self, block: bytes, end: int, secrets: bool, oddities: bool) -> dict[str, list[int]]:
        """Return the places in ``block[:end]`` by kind, as `find.confirm` wants them."""
        import numpy as np

        found: dict[str, list[NDArray[Any]]] = {}
        data = np.frombuffer(block, np.uint8)
        for first in range(0, end, WINDOW):
            start = max(first - OVERLAP, 0)
            window = data[start : first + WINDOW + OVERLAP]
            kinds = self._secrets(block, start, window) if secrets else {}
            if oddities:
                kinds |= self._oddities(block, start, window)
            for kind, at in kinds.items():
                if at.size:
                    at = at + start
                    found.setdefault(kind, []).append(at[(at >= first) & (at < first + WINDOW)])
        places = {kind: np.concatenate(at).tolist() for kind, at in found.items()}
        if "key" in places:
            places["key"] = list(_key_begins(block, end, places["key"]))
        if "card_number" in places:
            places["card_number"] = list(_card_begins(block, end, places["card_number"]))
        return places

    def _secrets(self, block: bytes, start: int, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        import numpy as np

        digit = self.digits(window)
        cards, ipv4, ssn, phones = self.numbers(window, digit)
        return {
            "key": self.runs(window),
            "email": self.rare(block, start, window, _AT),
            "private_key": self.heads(window),
            "us_ssn": ssn - 3,
            "ipv4": ipv4,
            "card_number": cards,
            "iban": self.ibans(window, digit),
            "phone": np.append(self._after(block, start, window, _PLUS, _is_digit), phones),
        }

    def _oddities(self, block: bytes, start: int, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {
            "placeholders": self.twice(window, _BRACE),
            "special_tokens": self._after(block, start, window, _LESS, _is_after_less),
            "line_separators": self.separators(window),
        }

    def _after(
        self,
        block: bytes,
        start: int,
        window: NDArray[Any],
        sign: int,
        wanted: Callable[[NDArray[Any]], NDArray[Any]],
    ) -> NDArray[Any]:
        """Return where a sign stands before one of some bytes."""
        at = self.rare(block, start, window, sign)
        return at[wanted(window.take(at + 1, mode="clip"))] if at.size else at

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
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return places of card numbers, IPv4 addresses, SSNs and telephone numbers.

        A place in each card number; the first point of an address; the first dash of an SSN; a
        sign in a telephone number, as `find.confirm` wants it.
        """
        import numpy as np

        size = data.size
        shifted = np.subtract(data, np.uint8(_DASH), out=self._bytes[:size])
        between = np.less(shifted, 3, out=self._masks[1][:size])  # a dash, a point or a slash
        between |= np.equal(data, _SPACE, out=self._masks[0][:size])
        near = np.logical_and(between[1:-1], digit[:-2], out=self._masks[2][: size - 2])
        near &= digit[2:]
        at = self._places(2, size - 2) + 1
        cards, sign = self._groups(data, digit), data.take(at)
        phones = _phone_signs(data, at, sign)
        dash = at[sign == _DASH]
        ssn = dash[dash < size - 3]
        ssn = ssn[(data.take(ssn + 3) == _DASH) & _is_digit(data.take(ssn + 2))]
        dots = at[sign == _POINT]
        if dots.size < 3:
            return cards, dots[:0], ssn, phones
        close = np.diff(dots) <= 4
        return cards, dots[:-2][close[:-1] & close[1:]], ssn, phones

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


def _is_after_less(byte: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.isin(byte, _AFTER_LESS)


def _phone_signs(data: NDArray[Any], at: NDArray[Any], sign: NDArray[Any]) -> NDArray[Any]:
    """Return which signs between two digits stand in telephone numbers, by the digits around.

    Behind them are four digits and before them three, or up to five that a zero begins; or they
    are the first of five pairs of digits, of which the first has a zero.
    """
    import numpy as np

    def byte(step: int) -> NDArray[Any]:
        return data.take(at + step, mode="clip")

    def keep(fine: NDArray[Any]) -> None:
        nonlocal at, sign
        at, sign = at[fine], sign[fine]

    all_at, all_sign = at, sign
    keep((at >= 3) & (at < data.size - 5))
    keep(_is_digit(byte(3)) & _is_digit(byte(4)) & _is_digit(byte(2)))
    keep(_is_digit(byte(-2)) & _is_digit(byte(-3)))
    fourth, fifth, sixth = byte(-4), byte(-5), byte(-6)
    fourth[at < 4] = fifth[at < 5] = sixth[at < 6] = 10
    four, five = _is_digit(fourth), _is_digit(fifth)
    zero = np.where(five, (fifth == _ZERO) & ~_is_digit(sixth), fourth == _ZERO)
    last_four = at[~four | zero]
    at, sign = all_at, all_sign
    keep((at >= 2) & (at < data.size - 12))
    keep((byte(3) == sign) & (byte(6) == sign) & (byte(9) == sign) & (byte(-2) == _ZERO))
    third = byte(-3)
    third[at < 3] = 10
    keep(~_is_digit(third))
    for step in (2, 4, 5, 7, 8, 10, 11):
        keep(_is_digit(byte(step)))
    return np.append(last_four, at)


def _key_begins(block: bytes, end: int, places: list[int]) -> Iterator[int]:
    """Search each run of key-like bytes once; a run begins at most four bytes before a place."""
    i = 0
    while i < len(places):
        first = last = places[i]
        while i + 1 < len(places) and places[i + 1] == last + 4:
            i, last = i + 1, places[i + 1]
        for match in patterns.KEY.finditer(block, max(0, first - 4), min(end, last + 20)):
            if match.start() > last + 4:
                break
            yield match.start()
        i += 1


def _card_begins(block: bytes, end: int, places: list[int]) -> Iterator[int]:
    """Return where numbers begin that hold one of the places."""
    done = 0
    for place in places:
        if place < done:
            continue
        start = max(done, place - 20)
        for match in patterns.CARD.finditer(block, start, min(end, place + 28)):
            if match.start() > place:
                break
            if match.end() > place:
                yield match.start()
                done = match.end()
                break
