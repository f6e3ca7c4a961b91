"""Cutting texts out of a block: canonical bytes, length in characters, and their soundness."""

from __future__ import annotations

import re
from codecs import unicode_escape_decode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor import hashing
from ft_runtime.doctor.blank import BLANK, is_blank
from ft_runtime.doctor.jsonl.signs import Signs

if TYPE_CHECKING:
    from numpy.typing import NDArray


# Under which first and second byte of UTF-8 white space and invisible characters lie.
_INVISIBLE_SECOND = (
    (0xD8, (0x9C,)),
    (0xE2, (0x80, 0x81, 0xA0)),
    (0xE3, (0x80, 0x85)),
    (0xEF, (0xB8, 0xBB, 0xBE)),
)
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


@cache
def visible_first() -> NDArray[Any]:
    """Return, for a text's first byte, whether something visible stands there for sure."""
    import numpy as np

    visible: Any = np.zeros(256, bool)
    visible[33:127] = True
    visible[92] = False  # an escape: perhaps a line break
    # Leading bytes of UTF-8 under which no white space and no invisible character lies.
    leading = (*range(0xC3, 0xCC), *range(0xD0, 0xD8), *range(0xD9, 0xE0), *range(0xE4, 0xEF), 0xF0)
    visible[list(leading)] = True
    return visible


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
    view = memoryview(block)
    spans = [view[a:b] for a, b in zip(begin.tolist(), closes.tolist(), strict=True)]
    digests = hashing.digests(spans)
    wide, decode = signs.wide(begin, closes)
    at = np.flatnonzero(wide & ~decode)
    if at.size:
        chars = np.array(hashing.characters([spans[i] for i in at.tolist()]), np.int64)
        lengths[at] = chars - escapes[at]
        doubtful[at[chars < 0]] = True

    at = np.flatnonzero(unsure_spans(block, begin) & ~blank & ~decode)
    for i in at.tolist():
        text = _decoded(spans[i])
        blank[i] = text is not None and is_blank(text)
    result = Cut(digests, lengths, doubtful, blank)
    at = np.flatnonzero(decode)
    if at.size:
        _decode(spans, at, wide.take(at), signs.slashes, result)
    return result


def _decode(
    spans: list[memoryview], at: NDArray[Any], wide: NDArray[Any], slashes: bool, result: Cut
) -> None:
    """Resolve the escapes of some strings, and fill in what is known of them."""
    import numpy as np
    from xxhash import xxh3_64_intdigest

    write, wrong = json_bytes(), (UnicodeError, ValueError)
    made: list[tuple[int, int, int]] = []
    for i, other in zip(at.tolist(), wide.tolist(), strict=True):
        span = spans[i]
        try:
            # What escapes a plain line has mean the same in Python, halves of pairs and the
            # slash aside; writing fails on the halves.
            if other or (slashes and b"\\/" in bytes(span)):
                raise ValueError
            text = unicode_escape_decode(span)[0]
            plain = write(text)
        except wrong:
            decoded = _decoded(span)
            if decoded is None:
                result.doubtful[i] = True
                continue
            text, plain = decoded, write(decoded)
        # How control characters are written; a backslash of the text itself may look like it.
        hint = b"\\" in plain and (b"\\u00" in plain or b"\\b" in plain or b"\\f" in plain)
        if hint and CONTROL.search(text):
            result.doubtful[i] = True
            continue
        made.append((i, xxh3_64_intdigest(plain[1:-1]), len(text)))
        if not text or (text[0] in BLANK and is_blank(text)):
            result.blank[i] = True
    if made:
        places, hashes, sizes = zip(*made, strict=True)
        result.digests[list(places)] = np.array(hashes, np.uint64)
        result.lengths[list(places)] = sizes


def unsure_spans(block: bytes, begin: NDArray[Any]) -> NDArray[Any]:
    """Return where the first character may show nothing, by its first two bytes."""
    import numpy as np

    data = np.frombuffer(block, np.uint8)
    unsure = ~visible_first().take(data.take(begin))
    at = np.flatnonzero(unsure)
    first, second = data.take(begin[at]), data.take(begin[at] + 1)
    # An escaped quote or backslash is visible; of the bytes that lead white space or invisible
    # characters, a few second bytes do so alone.
    shown = (first == 92) & ((second == 34) | (second == 92))
    for lead, seconds in _INVISIBLE_SECOND:
        here = first == lead
        for other in seconds:
            here &= second != other
        shown |= here
    unsure[at[shown]] = False
    return unsure


@cache
def json_bytes() -> Callable[[str], bytes]:
    """Return the function that writes a text in its shortest JSON form."""
    import msgspec

    return msgspec.json.Encoder().encode


@cache
def _reader() -> tuple[Callable[[bytes], str], tuple[type[Exception], ...]]:
    import msgspec

    return msgspec.json.Decoder(str).decode, (msgspec.DecodeError, UnicodeDecodeError)


def _decoded(span: bytes | memoryview) -> str | None:
    """Resolve all escapes; None when one of them is wrong, or the bytes are not UTF-8."""
    read, wrong = _reader()
    try:
        return read(b'"' + span + b'"')
    except wrong:
        return None
