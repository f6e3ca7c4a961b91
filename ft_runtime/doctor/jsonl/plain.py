"""The fast accept path: rows of a block that are plainly fine, with their numbers.

A row that is not accepted here is not wrong yet: `explain` looks at it alone. What is accepted
here has no finding at all, so both paths give the same result (a test holds them to it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ft_runtime.doctor import hashing
from ft_runtime.doctor.jsonl import gaps, texts
from ft_runtime.doctor.jsonl.accepted import Accepted, clear
from ft_runtime.doctor.jsonl.index import Index, index
from ft_runtime.doctor.jsonl.layout import (
    ASSISTANT,
    CONTENT,
    FIRST_EXTRA,
    ROLE,
    SYSTEM,
    Layout,
)
from ft_runtime.doctor.jsonl.records import accept_records, check_extra, once, values_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


def accept(block: bytes, end: int, layout: Layout) -> Accepted:
    """Return which rows of ``block[:end]`` are plainly fine; see `index.index` for the block."""
    import numpy as np

    found = index(block, end, layout.gaps)
    fine = found.plain
    size = fine.size
    content, prompt = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
    result = Accepted(
        found.starts, found.ends, fine, content, prompt, np.zeros(size, np.int64), [], found.crlf
    )
    if fine.any():
        keys = _keys(block, found, layout)
        if layout.chat:
            _conversations(block, found, keys, layout, result)
        else:
            accept_records(block, found, keys, layout, result)
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


def _conversations(
    block: bytes, found: Index, keys: NDArray[Any], layout: Layout, result: Accepted
) -> None:
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
    roles = layout.roles.find(block, begin, found.closes[role_at] - begin)
    right &= roles > 0
    fine[lined[~right]] = False
    keep = fine[lined]
    lined, roles, text_at = lined[keep], roles[keep], text_at[keep]
    if not lined.size:
        return
    _turns(lined, roles, fine)
    values = values_of(found, keys, fine)
    check_extra(block, found, values[~inside[values]], fine)
    keep = fine[lined]
    lined, roles, text_at = lined[keep], roles[keep], text_at[keep]
    if not lined.size:
        return
    cut = texts.cut(
        block,
        found.opens[text_at],
        found.closes[text_at],
        found.escapes[text_at],
        found.decode[text_at],
        found.slashes,
    )
    begin = np.flatnonzero(np.diff(lined, prepend=-1))
    place = np.arange(lined.size) - np.repeat(begin, np.diff(begin, append=lined.size))
    terms = hashing.terms(cut.digests, roles, place)
    rows = lined[begin]
    final: Any = np.append(begin[1:], lined.size) - 1
    whole = np.add.reduceat(terms, begin)
    result.content[rows] = whole
    result.prompt[rows] = whole - terms[final]
    result.chars[rows] = np.add.reduceat(cut.lengths, begin)
    clear(result, lined[cut.doubtful | cut.blank])


def _turns(lined: NDArray[Any], roles: NDArray[Any], fine: NDArray[Any]) -> None:
    """Clear `fine` where the order of the roles is anything but the usual one."""
    import numpy as np

    first = np.diff(lined, prepend=-1) != 0
    last = np.diff(lined, append=-1) != 0
    odd = roles > ASSISTANT  # tools, developers: allowed, with rules of their own
    odd |= (roles == SYSTEM) & ~first
    odd |= last & (roles != ASSISTANT)
    odd[1:] |= (roles[1:] == roles[:-1]) & ~first[1:]
    fine[lined[odd]] = False
