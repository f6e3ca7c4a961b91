"""Which of many places patterns can begin at, by the first bytes there."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.secrets.numbers import is_digit

if TYPE_CHECKING:
    from numpy.typing import NDArray


def keys(data: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Return where keys may begin, given the places, multiples of four, of 16 bytes of their signs.

    Keys are runs of 19 bytes at least, so they begin at most three places before one of these.
    """
    import numpy as np

    at = (at[:, None] - np.arange(3, -1, -1)).ravel()
    at = at[at >= 0]
    first, pairs, triples = _starts()
    at = at[first[data.take(at)]]
    pair = data.take(at) * np.uint16(256) + data.take(at + 1)
    keep = pairs[pair]
    at, pair = at[keep], pair[keep]
    third = data.take(at + 2)
    keep = np.isin(pair * np.uint32(256) + third, triples)
    at, third = at[keep], third[keep]
    # github_pat_: addresses of github.com are many.
    return at[(third != ord("t")) | (data.take(at + 6, mode="clip") == ord("_"))]


def phones(data: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Return which + stand before a digit."""
    return at[is_digit(data.take(at + 1, mode="clip"))]


def specials(data: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Return which < stand before the next two bytes of a special token."""
    import numpy as np

    pair = data.take(at + 1, mode="clip") * np.uint16(256)
    return at[_after_less()[pair + data.take(at + 2, mode="clip")]]


@cache
def _after_less() -> NDArray[Any]:
    """Return a table of the two bytes that follow the < of a special token."""
    import numpy as np

    found: Any = np.zeros(1 << 16, bool)
    found[256 * ord("|") + ord("a") : 256 * ord("|") + ord("z") + 1] = True
    for one, two in b"st en /s s> pa un eo bo ma".split():
        found[256 * one + two] = True
    return found


@cache
def _starts() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return tables of the bytes that begin keys, of their first two, and their first three."""
    import numpy as np

    first: Any = np.zeros(256, bool)
    pairs: Any = np.zeros(1 << 16, bool)
    triples = []
    for begin in b"AKI ASI AIz ghp gho ghu ghs ghr git hf_ sk- sk_ rk_ xox glp npm eyJ".split():
        first[begin[0]] = pairs[begin[0] * 256 + begin[1]] = True
        triples.append(int.from_bytes(begin, "big"))
    return first, pairs, np.array(triples, np.uint32)
