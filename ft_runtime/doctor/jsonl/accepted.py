"""From the texts of rows to their numbers: which rows are fine, and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ft_runtime.doctor import hashing
from ft_runtime.doctor.jsonl import texts
from ft_runtime.doctor.jsonl.escapes import canonical
from ft_runtime.doctor.jsonl.layout import ASSISTANT, SYSTEM, Layout
from ft_runtime.doctor.jsonl.rows import Accepted, Texts, clear
from ft_runtime.doctor.jsonl.signs import Signs

if TYPE_CHECKING:
    from numpy.typing import NDArray


def accept_turns(signs: Signs, found: Texts, result: Accepted) -> None:
    """Accept the conversations whose roles take turns as usual and whose texts are sound."""
    import numpy as np

    found = found.keep(_usual(found, result))
    if not found.rows.size:
        return
    begin, rows = found.begin, found.rows
    cut = texts.cut(signs, found.opens, found.closes, found.escapes)
    sizes = found.sizes()
    place = np.arange(found.opens.size) - np.repeat(begin, sizes)
    terms = hashing.terms(cut.digests, found.numbers, place)
    whole = np.add.reduceat(terms, begin)
    result.content[rows] = whole
    result.prompt[rows] = whole - terms[begin + sizes - 1]
    result.chars[rows] = np.add.reduceat(cut.lengths, begin)
    bad = np.flatnonzero(cut.doubtful | cut.blank)
    if bad.size:
        clear(result, rows[np.searchsorted(begin, bad, side="right") - 1])


def _usual(found: Texts, result: Accepted) -> NDArray[Any]:
    """Return the rows whose roles have the usual order; the others are not fine yet."""
    import numpy as np

    roles, begin = found.numbers, found.begin
    usual: Any = np.ones(found.rows.size, bool)
    if not usual.size:
        return usual
    first: Any = np.zeros(roles.size, bool)
    first[begin] = True
    odd = roles > ASSISTANT  # tools, developers: allowed, with rules of their own
    odd |= (roles == SYSTEM) & ~first
    odd[1:] |= (roles[1:] == roles[:-1]) & ~first[1:]
    final: Any = np.append(begin[1:], roles.size) - 1
    odd[final] |= roles[final] != ASSISTANT
    bad = np.flatnonzero(odd)
    if bad.size:
        usual[np.searchsorted(begin, bad, side="right") - 1] = False
        result.fine[found.rows[~usual]] = False
    return usual


def accept_columns(signs: Signs, found: Texts, layout: Layout, result: Accepted) -> None:
    """Accept the rows with a sound, visible text in each column that must have one."""
    import numpy as np

    if not found.rows.size:
        return
    begin, rows, named = found.begin, found.rows, found.numbers
    cut = texts.cut(signs, found.opens, found.closes, found.escapes)
    terms = hashing.terms(cut.digests, named, np.zeros(named.size, np.uint64))
    # An optional column that is empty is the same as one that is not there.
    terms[found.closes == found.opens + 1] = 0
    answer: Any = np.zeros(256, bool)
    required: Any = np.zeros(256, bool)
    answer[[column.number for column in layout.columns if column.answer]] = True
    required[[column.number for column in layout.columns if column.required]] = True
    is_answer = answer.take(named)
    result.content[rows] = np.add.reduceat(terms, begin)
    result.chars[rows] = np.add.reduceat(cut.lengths, begin)
    terms[is_answer] = 0
    result.prompt[rows] = np.add.reduceat(terms, begin)
    bad = np.flatnonzero(cut.doubtful | (cut.blank & required.take(named)))
    if bad.size:
        clear(result, rows[np.searchsorted(begin, bad, side="right") - 1])
    if layout.format == "csv_classification":
        lined: Any = np.repeat(rows, found.sizes())
        at = np.flatnonzero(is_answer & result.fine[lined])
        spans = zip(found.opens[at].tolist(), found.closes[at].tolist(), strict=True)
        result.labels.extend(canonical(signs.block[a + 1 : b]) for a, b in spans)
