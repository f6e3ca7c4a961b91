"""The fast path for rows with a text in each column, and what both kinds of rows share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.jsonl import gaps, texts
from ft_runtime.doctor.jsonl.accepted import accept_columns
from ft_runtime.doctor.jsonl.index import Index
from ft_runtime.doctor.jsonl.layout import Layout
from ft_runtime.doctor.jsonl.rows import Accepted, Texts

if TYPE_CHECKING:
    from numpy.typing import NDArray


def once(keys: NDArray[Any], at: NDArray[Any], line: NDArray[Any], fine: NDArray[Any]) -> Any:
    """Clear `fine` where a key occurs twice in one object; return the set of keys by line."""
    import numpy as np

    sets = np.zeros(fine.size, np.uint64)
    if not at.size:
        return sets
    bits = np.uint64(1) << keys[at].astype(np.uint64)
    lines = line[at]
    first = np.flatnonzero(np.diff(lines, prepend=-1))
    union, total = np.bitwise_or.reduceat(bits, first), np.add.reduceat(bits, first)
    # A sum of powers of two equals their union when all differ. Keys end at 56, so that 64 of
    # them cannot pass 2^64; more than 64 keys repeat one for sure.
    many = np.diff(first, append=at.size) > 64
    sets[lines[first]] = union
    fine[lines[first[(union != total) | many]]] = False
    return sets


def values_of(found: Index, keys: NDArray[Any], fine: NDArray[Any]) -> NDArray[Any]:
    """Return the strings of fine rows that are the value of the string before."""
    import numpy as np

    at: Any = np.flatnonzero((keys[:-1] > 0) & (found.after[:-1] == gaps.COLON)) + 1
    return at[fine[found.line[at]]]


def check_extra(found: Index, at: NDArray[Any], fine: NDArray[Any]) -> None:
    """Clear `fine` where a string that is not used is no sound text."""
    import numpy as np

    at = at[fine[found.line[at]]]
    if at.size:
        nothing = np.zeros(at.size, np.int64)
        cut = texts.cut(found.signs, found.opens[at], found.closes[at], nothing)
        fine[found.line[at[cut.doubtful]]] = False


def columns_once(found: Texts, layout: Layout) -> NDArray[Any]:
    """Return which rows have each column once at most, and all that must be there."""
    import numpy as np

    if not found.rows.size:
        return np.zeros(0, bool)
    bits = np.uint64(1) << found.numbers.astype(np.uint64)
    union = np.bitwise_or.reduceat(bits, found.begin)
    must = sum(1 << column.number for column in layout.columns if column.required)
    good: NDArray[Any] = (union & np.uint64(must)) == must
    good &= np.add.reduceat(bits, found.begin) == union
    # A sum of few powers of two equals their union when all differ.
    good &= found.sizes() <= len(layout.columns)
    return good


def accept_records(found: Index, keys: NDArray[Any], layout: Layout, result: Accepted) -> None:
    """Accept the rows that have a sound, visible text in each column that must be there."""
    import numpy as np

    fine, line, after = found.plain, found.line, found.after
    fine[line[np.flatnonzero((after == gaps.LIST) | (after == gaps.NEXT))]] = False
    sets = once(keys, np.flatnonzero(keys), line, fine)
    for column in layout.columns:
        if column.required:
            fine &= (sets & np.uint64(1 << column.number)) > 0
    values = values_of(found, keys, fine)
    named = keys[values - 1]
    # A column whose value is a number, or null, is looked at in full.
    columns = [column.number for column in layout.columns]
    scalar = np.flatnonzero(np.isin(keys, columns) & (after != gaps.COLON))
    fine[line[scalar]] = False
    used = np.isin(named, columns)
    check_extra(found, values[~used], fine)
    keep = used & fine[line[values]]
    values, named = values[keep], named[keep]
    lined = line[values]
    begin = np.flatnonzero(np.diff(lined, prepend=-1))
    opens, closes = found.opens[values], found.closes[values]
    rows = Texts(lined[begin], begin, opens, closes, found.escapes[values], named)
    accept_columns(found.signs, rows, layout, result)
