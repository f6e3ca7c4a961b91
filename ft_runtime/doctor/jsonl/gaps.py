"""What stands between two strings of a plain JSON row, and which order of it makes a row."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.jsonl.words import Lookup

if TYPE_CHECKING:
    from numpy.typing import NDArray

# After a key: COLON (its value is a string), LIST (its value is a list of objects), SCALAR (a
# number, true, false or null, then the next key), SCALAR_END (the same, then the end of the row).
# After a value: COMMA (next key), NEXT (next object of the list), END (of a row that is flat),
# LIST_END (of list and row), LIST_COMMA (end of the list, then the next key).
OTHER, COLON, COMMA, NEXT, LIST, END, LIST_END, LIST_COMMA, SCALAR, SCALAR_END, BEGIN = range(11)

_FORMS = {
    ":": COLON,
    ",": COMMA,
    "},{": NEXT,
    ":[{": LIST,
    "}": END,
    "}]}": LIST_END,
    "}],": LIST_COMMA,
}
_MAY_FOLLOW = {
    BEGIN: (COLON, LIST, SCALAR, SCALAR_END),
    COLON: (COMMA, NEXT, END, LIST_END, LIST_COMMA),
    COMMA: (COLON, LIST, SCALAR, SCALAR_END),
    NEXT: (COLON,),
    LIST: (COLON,),
    LIST_COMMA: (COLON, SCALAR, SCALAR_END),
    SCALAR: (COLON, LIST, SCALAR, SCALAR_END),
}
_SCALAR = re.compile(
    rb"[ \t]*:[ \t]*(?:-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,2})?"
    rb"|true|false|null)[ \t]*([,}])[ \t]*",
)
_LONGEST = 64


def lookup() -> Lookup:
    """Return the table of the usual forms: compact, and with a space after comma and colon."""
    names: dict[bytes, int] = {}
    for form, code in _FORMS.items():
        names[form.encode()] = code
        names[form.replace(",", ", ").replace(":", ": ").encode()] = code
    return Lookup(names)


@cache
def _follow() -> NDArray[Any]:
    import numpy as np

    table: Any = np.zeros((16, 16), bool)
    for before, codes in _MAY_FOLLOW.items():
        table[before, list(codes)] = True
    return table.ravel()


def classify(
    block: bytes,
    opens: NDArray[Any],
    closes: NDArray[Any],
    last: NDArray[Any],
    ends: NDArray[Any],
    table: Lookup,
) -> NDArray[Any]:
    """Return the code of what follows each string, up to the next string or the line's end."""
    import numpy as np

    begin = closes + 1
    until = np.empty_like(begin)
    until[:-1] = opens[1:]
    until[last] = ends
    length = until - begin
    codes = table.find(block, begin, length)
    other = np.flatnonzero(codes == OTHER)
    if other.size:
        for i, a, b in zip(
            other.tolist(), begin[other].tolist(), until[other].tolist(), strict=True
        ):
            codes[i] = _rare(block[a:b]) if b - a <= _LONGEST else OTHER
    return codes


def _rare(gap: bytes) -> int:
    if match := _SCALAR.fullmatch(gap):
        return SCALAR if match[1] == b"," else SCALAR_END
    if not gap.isascii() or b"\\" in gap:
        return OTHER
    return _FORMS.get(gap.translate(None, b" \t").decode(), OTHER)


def check(
    after: NDArray[Any],
    first: NDArray[Any],
    last: NDArray[Any],
    line: NDArray[Any],
    plain: NDArray[Any],
) -> None:
    """Clear `plain` for each line whose gaps, in their order, do not make one object.

    The list of a row, if there is one, opens before it closes, and objects follow each other in
    it alone; more than one list is not plain.
    """
    import numpy as np

    if not after.size:
        return
    before = np.empty_like(after)
    before[1:] = after[:-1]
    before[first] = BEGIN
    wrong = ~_follow().take((before << 4) | after)
    plain[line[np.flatnonzero(wrong)]] = False
    final = after[last]
    plain[line[last[(final != END) & (final != LIST_END) & (final != SCALAR_END)]]] = False

    lists = np.flatnonzero(after == LIST)
    closing = np.flatnonzero((after == LIST_END) | (after == LIST_COMMA))
    inner = np.flatnonzero(after == NEXT)
    if not (lists.size or closing.size or inner.size):
        return
    size = plain.size
    opened = np.bincount(line[lists], minlength=size)
    closed = np.bincount(line[closing], minlength=size)
    plain &= (opened == closed) & (opened <= 1)
    open_at, close_at = np.zeros(size, np.int64), np.zeros(size, np.int64)
    open_at[line[lists]], close_at[line[closing]] = lists, closing
    plain &= (opened == 0) | (open_at < close_at)
    at = line[inner]
    plain[at[(inner < open_at[at]) | (inner > close_at[at]) | (opened[at] == 0)]] = False
