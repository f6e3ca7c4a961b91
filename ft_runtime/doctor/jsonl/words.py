"""Reading eight bytes at many places at once, and looking short byte strings up in a table."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Bytes behind a block that may be read, and mean nothing.
PAD = 104
_FIRST, _NEXT = 0x9E3779B97F4A7C15, 0x5851F42D4C957F2D
_SLOTS = 1024


@cache
def _masks() -> NDArray[Any]:
    import numpy as np

    return np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)


def load(block: bytes, at: NDArray[Any], length: NDArray[Any]) -> NDArray[Any]:
    """Return the first ``min(length, 8)`` bytes at each place as little-endian numbers.

    Parameters
    ----------
    block : bytes
        At least `PAD` bytes longer than the last place read.
    at, length : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of uint64, shape (n,)
    """
    import numpy as np

    # One array of overlapping items: numpy copies eight bytes from any place.
    places = np.ndarray((len(block) - 7,), "V8", block, strides=(1,))
    words: NDArray[Any] = places[at].view("<u8")
    words &= _masks().take(np.minimum(length, 8))
    return words


class Lookup:
    """Byte strings of at most 16 bytes to small numbers, for whole arrays at once.

    A string is known by its first eight bytes, its last eight and its length, which together are
    all of it; a slot is found by multiplicative hashing, and then compared in full.
    """

    def __init__(self, names: dict[bytes, int]) -> None:
        self.names: dict[bytes, int] = {}
        for name, number in names.items():
            self.add(name, number)

    def add(self, name: bytes, number: int) -> None:
        """Add a name of 1 to 16 bytes; the table is built again at the next look-up."""
        self.names[name] = number
        self._built: tuple[Any, ...] | None = None

    def _build(self) -> tuple[Any, ...]:
        import numpy as np

        entries = []
        for name, number in self.names.items():
            first = int.from_bytes(name[:8], "little")
            last = int.from_bytes(name[-8:], "little") if len(name) > 8 else 0
            entries.append((first, last, len(name), number))
        multiplier = _FIRST
        while True:  # until no two names share a slot; a few tries for a hundred names
            slots = [
                _slot(first ^ (last * 3) ^ size, multiplier) for first, last, size, _ in entries
            ]
            if len(set(slots)) == len(slots):
                break
            multiplier = (multiplier * _NEXT + 2) % 2**64
        firsts: Any = np.zeros(_SLOTS, np.uint64)
        lasts: Any = np.zeros(_SLOTS, np.uint64)
        sizes: Any = np.full(_SLOTS, -1, np.int64)
        numbers: Any = np.zeros(_SLOTS, np.uint8)
        for slot, (first, last, size, number) in zip(slots, entries, strict=True):
            firsts[slot], lasts[slot], sizes[slot], numbers[slot] = first, last, size, number
        self._built = (np.uint64(multiplier), firsts, lasts, sizes, numbers)
        return self._built

    def find(self, block: bytes, at: NDArray[Any], length: NDArray[Any]) -> NDArray[Any]:
        """Return the number of the name at each place, 0 where no known name stands there."""
        import numpy as np

        multiplier, firsts, lasts, sizes, numbers = self._built or self._build()
        first = load(block, at, length)
        last = np.zeros_like(first)
        long = np.flatnonzero((length > 8) & (length <= 16))
        if long.size:
            last[long] = load(block, at[long] + length[long] - 8, np.full(long.size, 8))
        mixed = first ^ (last * np.uint64(3)) ^ length.astype(np.uint64)
        slot = (mixed * multiplier) >> np.uint64(54)
        slot = slot.view(np.int64)
        right = (firsts.take(slot) == first) & (sizes.take(slot) == length)
        if long.size:
            right &= lasts.take(slot) == last
        return numbers.take(slot) * right


def _slot(mixed: int, multiplier: int) -> int:
    return (mixed * multiplier % 2**64) >> 54
