"""Which numbers in some bytes may be personal, by the bytes at both ends of their first digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPACE, _DASH, _POINT, _SLASH, _ZERO, _THREE, _SIX, _NINE = b" -./0369"
_LINE = 10
_CARD, _CARD_DIGITS = 19, 15


def is_digit(byte: NDArray[Any]) -> NDArray[Any]:
    """Tell 0 to 9."""
    return (byte >= _ZERO) & (byte <= _NINE)


def places(data: NDArray[Any], at: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return places of card numbers and others by kind, as `find.confirm` wants them.

    Parameters
    ----------
    data : ndarray of uint8, shape (n,)
    at : ndarray of int64, shape (m,)
        Where digits stand behind other bytes, in order; single ones behind points alone.
    """
    before = _byte(data, at, -1)
    capital = at[(before >= 65) & (before <= 90)]
    behind, before = _behind_numbers(data, at, before)
    return {
        "card_number": _cards(data, at),
        "iban": _ibans(data, capital),
        "us_ssn": _ssns(data, behind[before == _DASH]),
        "ipv4": _addresses(behind[before == _POINT] - 1),
        "phone": _phones(data, behind - 1, before),
    }


def last_fours(data: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Return which signs have three digits before them and four behind; see `places`."""
    behind, _ = _behind_numbers(data, at, _byte(data, at, -1))
    return _last_fours(data, behind - 1)


def _behind_numbers(
    data: NDArray[Any], at: NDArray[Any], before: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return which digits stand behind a sign and other digits, and the signs."""
    sign = (before == _SPACE) | ((before >= _DASH) & (before <= _SLASH))
    at, before = at[sign], before[sign]
    number = is_digit(_byte(data, at, -2))
    return at[number], before[number]


def _last_fours(data: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    at = at[is_digit(_byte(data, at, 2)) & is_digit(_byte(data, at, -2))]
    at = at[is_digit(_byte(data, at, 3)) & is_digit(_byte(data, at, 4))]
    return at[is_digit(_byte(data, at, -3))]


def _byte(data: NDArray[Any], at: NDArray[Any], step: int) -> NDArray[Any]:
    """Return the bytes some places behind others, and line breaks where there are none."""
    found = data.take(at + step, mode="clip")
    if step < 0 and at.size and at[0] < -step:
        found[at < -step] = _LINE
    return found


def _cards(data: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Return where 15 digits or more begin with 3 to 6, in groups perhaps."""
    import numpy as np

    first = data.take(at)
    at = at[(first >= _THREE) & (first <= _SIX)]
    at = at[
        is_digit(_byte(data, at, 3)) & is_digit(_byte(data, at, 2)) & is_digit(_byte(data, at, 1))
    ]
    at = at[is_digit(_byte(data, at, 7))]
    if at.size:
        inside = is_digit(data.take(at[:, None] + np.arange(_CARD), mode="clip"))
        at = at[inside.sum(axis=1) >= _CARD_DIGITS]
    return at


def _ibans(data: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Return where two capitals and two digits stand, given the first digits behind capitals."""
    before = _byte(data, at, -2)
    at = at[(before >= 65) & (before <= 90)]
    return at[is_digit(_byte(data, at, 1))] - 2


def _ssns(data: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Return where ``ddd-dd-`` may begin, given the digits behind a dash."""
    at = at[is_digit(_byte(data, at, 1)) & (_byte(data, at, 2) == _DASH)]
    return at[at >= 4] - 4


def _addresses(point: NDArray[Any]) -> NDArray[Any]:
    """Return the first of three points between digits, at most four places apart."""
    import numpy as np

    if point.size < 3:
        return point[:0]
    close = np.diff(point) <= 4
    return point[:-2][close[:-1] & close[1:]]


def _phones(data: NDArray[Any], at: NDArray[Any], sign: NDArray[Any]) -> NDArray[Any]:
    """Return which signs between two digits stand in telephone numbers, by the digits around.

    Behind them are four digits and before them three, or up to five that a zero begins; or they
    are the first of five pairs of digits, of which the first has a zero.
    """
    import numpy as np

    four = _last_fours(data, at)
    fourth, fifth = _byte(data, four, -4), _byte(data, four, -5)
    zero = np.where(
        is_digit(fifth),
        (fifth == _ZERO) & ~is_digit(_byte(data, four, -6)),
        fourth == _ZERO,
    )
    four = four[~is_digit(fourth) | zero]
    pairs = (_byte(data, at, -2) == _ZERO) & (_byte(data, at, 3) == sign)
    at, sign = at[pairs], sign[pairs]
    at = at[
        (_byte(data, at, 6) == sign) & (_byte(data, at, 9) == sign) & ~is_digit(_byte(data, at, -3))
    ]
    for step in (2, 4, 5, 7, 8, 10, 11):
        at = at[is_digit(_byte(data, at, step))]
    return np.append(four, at)
