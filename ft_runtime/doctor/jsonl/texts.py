"""Cutting texts out of a block: canonical bytes, length in characters, and their soundness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor import hashing
from ft_runtime.doctor.blank import is_blank, unsure_spans
from ft_runtime.doctor.jsonl.escapes import decoded, resolve
from ft_runtime.doctor.jsonl.signs import Signs
from ft_runtime.doctor.utf8 import characters

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class Cut:
    """The strings cut, in order.

    Attributes
    ----------
    digests : ndarray of uint64
        xxh3 of the canonical form.
    lengths : ndarray of int64
        Characters (code points) after escapes are resolved.
    doubtful : ndarray of bool
        Not UTF-8, or a wrong escape: the row needs a closer look.
    blank : ndarray of bool
        Empty, or white space and invisible characters alone.
    """

    digests: NDArray[Any]
    lengths: NDArray[Any]
    doubtful: NDArray[Any]
    blank: NDArray[Any]


def cut(signs: Signs, opens: NDArray[Any], closes: NDArray[Any], escapes: NDArray[Any]) -> Cut:
    r"""Return what is known of the strings between the quotes given.

    The canonical form of a text is its shortest JSON form without the quotes: a text with
    ``\u`` or ``\/`` escapes is decoded and written again, any other stands in the file that way.

    Parameters
    ----------
    signs : Signs
        Of the block.
    opens, closes : ndarray of int, shape (n,)
        Places of the quotes.
    escapes : ndarray of int, shape (n,)
        How many two-byte escapes each string has.
    """
    import numpy as np

    block = signs.block
    begin = opens + 1
    lengths = closes - begin - escapes
    blank = closes == begin
    doubtful = np.zeros(opens.size, bool)
    wide, decode = signs.wide(begin, closes)
    digests = np.zeros(opens.size, np.uint64)  # an empty text needs none
    at = np.flatnonzero(~(decode | blank))
    digests[at] = hashing.digests(spans_of(block, begin.take(at), closes.take(at)))
    at = np.flatnonzero(wide & ~decode)
    if at.size:
        spans = list(spans_of(block, begin.take(at), closes.take(at)))
        chars = characters(spans, (closes - begin).take(at))
        lengths[at] = chars - escapes.take(at)
        doubtful[at[chars < 0]] = True

    at = np.flatnonzero(unsure_spans(block, begin) & ~blank & ~decode)
    for i, span in zip(at.tolist(), spans_of(block, begin[at], closes[at]), strict=True):
        text = decoded(span)
        blank[i] = text is not None and is_blank(text)
    at = np.flatnonzero(decode)
    if at.size:
        spans = list(spans_of(block, begin.take(at), closes.take(at)))
        digests[at], lengths[at], doubtful[at], blank[at] = resolve(spans)
    return Cut(digests, lengths, doubtful, blank)


def spans_of(block: bytes, begin: NDArray[Any], until: NDArray[Any]) -> Iterator[memoryview]:
    """Yield views of the spans of a block.

    Where a view lives for a moment only, as in `hashing.digests`, this copies nothing, and gives
    the garbage collector nothing to go through.
    """
    view = memoryview(block)
    return (view[a:b] for a, b in zip(begin.tolist(), until.tolist(), strict=True))
