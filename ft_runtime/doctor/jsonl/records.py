"""The fast path for rows with a text in each column, and what both kinds of rows share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ft_runtime.doctor import hashing
from ft_runtime.doctor.jsonl import gaps, texts
from ft_runtime.doctor.jsonl.accepted import Accepted, clear
from ft_runtime.doctor.jsonl.index import Index
from ft_runtime.doctor.jsonl.layout import Layout

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


def check_extra(block: bytes, found: Index, at: NDArray[Any], fine: NDArray[Any]) -> None:
    """Clear `fine` where a string that is not used is no sound text."""
    import numpy as np

    at = at[fine[found.line[at]]]
    if at.size:
        cut = texts.cut(
            block, found.opens[at], found.closes[at], np.zeros(at.size, np.int64), found.decode[at]
        )
        fine[found.line[at[cut.doubtful]]] = False


def accept_records(
    block: bytes, found: Index, keys: NDArray[Any], layout: Layout, result: Accepted
) -> None:
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
    check_extra(block, found, values[~used], fine)
    keep = used & fine[line[values]]
    values, named = values[keep], named[keep]
    if not values.size:
        return
    cut = texts.cut(
        block,
        found.opens[values],
        found.closes[values],
        found.escapes[values],
        found.decode[values],
        found.slashes,
    )
    terms = hashing.terms(cut.digests, named, np.zeros(values.size, np.int64))
    # An optional column that is empty is the same as one that is not there.
    terms[found.closes[values] == found.opens[values] + 1] = 0
    answers = [column.number for column in layout.columns if column.answer]
    lined = line[values]
    begin = np.flatnonzero(np.diff(lined, prepend=-1))
    rows = lined[begin]
    result.content[rows] = np.add.reduceat(terms, begin)
    result.chars[rows] = np.add.reduceat(cut.lengths, begin)
    is_answer = np.isin(named, answers)
    result.prompt[rows] = np.add.reduceat(np.where(is_answer, np.uint64(0), terms), begin)
    required = [column.number for column in layout.columns if column.required]
    clear(result, lined[cut.doubtful | (cut.blank & np.isin(named, required))])
    if layout.format == "csv_classification":
        at = np.flatnonzero(is_answer & fine[lined])
        spans = zip(
            found.opens[values[at]].tolist(), found.closes[values[at]].tolist(), strict=True
        )
        result.labels.extend(block[a + 1 : b] for a, b in spans)
