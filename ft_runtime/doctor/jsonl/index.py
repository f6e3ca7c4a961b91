"""The strings of a block of JSON lines, and what stands between them.

A line whose text between the strings is made of the few forms that plain rows have is *plain*, and
needs no JSON parser: which strings are keys, which are values and where each text begins and ends
is then known. Everything else is left to `explain`. Being plain is a proof, not a guess: the first
quote of a line follows ``{``, no backslash can stand outside a string of a plain line, so quotes
pair up; escapes are checked in `signs` or by the decoder, and bytes above 127 by whoever cuts the
text out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.jsonl import gaps
from ft_runtime.doctor.jsonl.signs import Signs
from ft_runtime.doctor.jsonl.words import Lookup

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class Index:
    """The strings of a block. Strings of lines that are not plain are present too: see `plain`.

    Attributes
    ----------
    signs : Signs
    plain : ndarray of bool, shape (lines,)
    opens, closes : ndarray, shape (strings,)
        Positions of the quotes.
    after : ndarray of uint8, shape (strings,)
        What follows each string: a code of `gaps`.
    line : ndarray, shape (strings,)
        Line of each string.
    escapes : ndarray, shape (strings,)
        How many two-byte escapes the string has.
    """

    signs: Signs
    plain: NDArray[Any]
    opens: NDArray[Any]
    closes: NDArray[Any]
    after: NDArray[Any]
    line: NDArray[Any]
    escapes: NDArray[Any]


def index(signs: Signs, lookup: Lookup) -> Index:
    """Index the strings of a block.

    Parameters
    ----------
    signs : Signs
        Of the block; `plain` is narrowed down in a copy.
    lookup : Lookup
        `gaps.lookup()`.
    """
    import numpy as np

    block, starts, ends = signs.block, signs.starts, signs.ends
    data = np.frombuffer(block, np.uint8)
    plain = signs.plain.copy()
    opens, closes = signs.quotes[0::2], signs.quotes[1::2]
    count = signs.count >> 1
    first = signs.first >> 1
    has = count > 0
    last = (first + count - 1)[has]
    after = gaps.classify(block, opens, closes, last, ends[has], lookup)
    plain[has] &= (opens[first[has]] == starts[has] + 1) & (data[starts[has]] == 123)
    line: Any = np.repeat(np.arange(starts.size), count)
    gaps.check(after, first[has], last, line, plain)
    pairs: Any = np.arange(opens.size) * 2
    escapes = signs.escaped(pairs, pairs + 1)
    return Index(signs, plain, opens, closes, after, line, escapes)
