"""The fast paths: rows of a block that are plainly fine, with their numbers.

Three of them: one that is compiled, where that can be had (`compiled`); `frames` for rows exactly
as tools write them; and the general one, for any spacing, any order of keys, and further columns. A
row that is not accepted here is not wrong yet: `explain` looks at it alone. What is accepted here
has no finding at all, so all paths give the same result (a test holds them to it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.jsonl import gaps
from ft_runtime.doctor.jsonl.accepted import accept_columns, accept_turns
from ft_runtime.doctor.jsonl.frames import framed
from ft_runtime.doctor.jsonl.index import Index, index
from ft_runtime.doctor.jsonl.layout import CONTENT, FIRST_COLUMN, FIRST_EXTRA, ROLE, Layout
from ft_runtime.doctor.jsonl.records import (
    accept_records,
    check_extra,
    columns_once,
    once,
    values_of,
)
from ft_runtime.doctor.jsonl.rows import Accepted, Texts, empty
from ft_runtime.doctor.jsonl.signs import Signs, find_signs

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Share of framed rows that makes the general path needless, and the blocks until the next try.
_ENOUGH, _PAUSE = 0.9, 8


def accept(block: bytes, end: int, layout: Layout) -> Accepted:
    """Return which rows of ``block[:end]`` are plainly fine; see `signs` for the block."""
    if layout.reader:
        return layout.reader.accept(block, end)
    signs = find_signs(block, end, layout.scratch)
    if layout.forms and not layout.unframed:
        result = accept_framed(signs, layout)
        if result is not None:
            return result
        layout.unframed = _PAUSE
    layout.unframed = max(layout.unframed - 1, 0)
    return accept_general(signs, layout)


def accept_framed(signs: Signs, layout: Layout) -> Accepted | None:
    """Return what the frames show; None where too few rows have them."""
    import numpy as np

    rest = signs.plain.copy()
    found = []
    for form in layout.forms:
        found.append(framed(signs, form, rest))
        rest[found[-1].rows] = False
    if sum(each.rows.size for each in found) < _ENOUGH * signs.plain.size:
        return None
    result = empty(signs, np.zeros(signs.plain.size, bool))
    for each in found:
        if not layout.chat:
            each = each.keep(columns_once(each, layout))
        result.fine[each.rows] = True
        if layout.chat:
            accept_turns(signs, each, result)
        else:
            accept_columns(signs, each, layout, result)
    return result


def accept_general(signs: Signs, layout: Layout) -> Accepted:
    """Return what the strings and the signs between them show."""
    import numpy as np

    found = index(signs, layout.gaps)
    fine = found.plain
    result = empty(signs, fine)
    if fine.any():
        keys = _keys(signs.block, found, layout)
        if layout.chat:
            _conversations(found, keys, layout, result)
        else:
            accept_records(found, keys, layout, result)
        extra = np.flatnonzero(keys >= FIRST_EXTRA)
        if extra.size:
            extra = extra[fine.take(found.line.take(extra))]
            layout.seen.update(np.unique(keys.take(extra)).tolist())
    return result


def accept_none(block: bytes, end: int) -> Accepted:
    """Return the lines of a block with none accepted: where nearly all rows are broken."""
    import numpy as np

    data = np.frombuffer(block, np.uint8, count=end)
    ends: Any = np.flatnonzero(data == 10)
    starts: Any = np.empty_like(ends)
    starts[0], starts[1:] = 0, ends[:-1] + 1
    returns = (ends > starts) & (data.take(np.maximum(ends - 1, 0)) == 13)
    size = ends.size
    return Accepted(
        starts,
        ends - returns,
        np.zeros(size, bool),
        np.zeros(size, np.uint64),
        np.zeros(size, np.uint64),
        np.zeros(size, np.int64),
        [],
        int(np.count_nonzero(returns)),
    )


def _keys(block: bytes, found: Index, layout: Layout) -> NDArray[Any]:
    """Return the number of each string that is a key of a fine row, else 0; doubtful rows go."""
    import numpy as np

    after = found.after
    is_key = (after == gaps.COLON) | (after == gaps.LIST)
    is_key |= (after == gaps.SCALAR) | (after == gaps.SCALAR_END)
    is_key &= found.plain.take(found.line)
    at = np.flatnonzero(is_key)
    opens, length = found.opens.take(at) + 1, found.closes.take(at) - found.opens.take(at) - 1
    numbers = layout.keys.find(block, opens, length)
    unknown = np.flatnonzero(numbers == 0)
    if unknown.size:
        names = {
            block[a : a + n]
            for a, n in zip(opens[unknown].tolist(), length[unknown].tolist(), strict=True)
        }
        learned = [layout.learn(name) for name in sorted(names)]
        if any(learned):
            numbers = layout.keys.find(block, opens, length)
            unknown = np.flatnonzero(numbers == 0)
        found.plain[found.line[at[unknown]]] = False
    keys = np.zeros(after.size, np.uint8)
    keys[at] = numbers
    return keys


def _conversations(found: Index, keys: NDArray[Any], layout: Layout, result: Accepted) -> None:
    import numpy as np

    fine, line, after = found.plain, found.line, found.after
    order = np.arange(after.size)
    open_at = np.full(fine.size, -1, np.int64)
    lists = np.flatnonzero(after == gaps.LIST)
    open_at[line[lists]] = lists
    closing = np.flatnonzero((after == gaps.LIST_END) | (after == gaps.LIST_COMMA))
    close_at = np.full(fine.size, -2, np.int64)
    close_at[line[closing]] = closing
    fine &= (open_at >= 0) & ((close_at - open_at) % 4 == 0) & (close_at > open_at)
    key = layout.columns[0].number
    fine[line[lists[keys[lists] != key]]] = False

    inside = (order > open_at.take(line)) & (order <= close_at.take(line))
    outer = np.flatnonzero((keys > 0) & ~inside)
    # Beside the conversation `role` and the like are columns that are not used.
    fine[line[outer[keys[outer] < FIRST_COLUMN]]] = False
    once(keys, outer, line, fine)
    inside &= fine.take(line)
    four = np.flatnonzero(inside).reshape(-1, 4)
    if not four.size:
        fine[:] = False
        return
    codes = after.take(four)
    lined = line[four[:, 0]]
    right = (codes[:, 0] == gaps.COLON) & (codes[:, 1] == gaps.COMMA) & (codes[:, 2] == gaps.COLON)
    right &= codes[:, 3] != gaps.COMMA
    one, two = keys[four[:, 0]], keys[four[:, 2]]
    role_first = (one == ROLE) & (two == CONTENT)
    right &= role_first | ((one == CONTENT) & (two == ROLE))
    role_at = np.where(role_first, four[:, 1], four[:, 3])
    text_at = np.where(role_first, four[:, 3], four[:, 1])
    begin = found.opens[role_at] + 1
    roles = layout.roles.find(found.signs.block, begin, found.closes[role_at] - begin)
    right &= roles > 0
    fine[lined[~right]] = False
    values = values_of(found, keys, fine)
    check_extra(found, values[~inside[values]], fine)
    keep = fine[lined]
    lined, text_at = lined[keep], text_at[keep]
    if not lined.size:
        return
    begin = np.flatnonzero(np.diff(lined, prepend=-1))
    opens, closes = found.opens[text_at], found.closes[text_at]
    turns = Texts(lined[begin], begin, opens, closes, found.escapes[text_at], roles[keep])
    accept_turns(found.signs, turns, result)
