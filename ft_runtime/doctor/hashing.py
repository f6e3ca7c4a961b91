"""One 64-bit number for what a row teaches, whatever its spacing, key order and escapes.

A row's number is the sum (mod 2^64) of one term for each text; a term mixes the xxh3 digest of the
text with what the text is (its role or column) and where it stands. The prompt's number leaves
out the answer's term. With 64 bits, ten million rows give a false duplicate with probability
n^2 / 2^65 = 2.7e-6.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

TAG, PLACE, LAST = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0x94D049BB133111EB
_ALL = 2**64 - 1


def term(digest: int, tag: int, place: int) -> int:
    """Return the term of one text; see `terms`."""
    mixed = ((digest ^ (tag * TAG & _ALL)) * ((2 * place + 1) * PLACE & _ALL)) & _ALL
    mixed ^= mixed >> 32
    return mixed * LAST & _ALL


def terms(digest: NDArray[Any], tag: NDArray[Any], place: NDArray[Any]) -> NDArray[Any]:
    """Return the terms of many texts.

    Parameters
    ----------
    digest : ndarray of uint64, shape (n,)
        xxh3_64 of each text.
    tag : ndarray of int
        What each text is: role or column.
    place : ndarray of int
        Index of the message in its conversation; 0 in a flat row.
    """
    import numpy as np

    mixed = digest ^ (tag.astype(np.uint64) * np.uint64(TAG))
    mixed *= (place.astype(np.uint64) * np.uint64(2) + np.uint64(1)) * np.uint64(PLACE)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(LAST)
    return mixed


def digests(spans: Iterable[bytes | memoryview]) -> NDArray[Any]:
    """Return the xxh3_64 digest of each span."""
    import numpy as np
    from xxhash import xxh3_64_digest

    joined = b"".join([xxh3_64_digest(span) for span in spans])
    return np.frombuffer(joined, ">u8").astype(np.uint64)


def spread(numbers: NDArray[Any]) -> NDArray[Any]:
    """Mix each number once more (splitmix64), for sums that stand for a set of rows."""
    import numpy as np

    mixed = numbers + np.uint64(TAG)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(LAST)
    return mixed ^ (mixed >> np.uint64(31))
