r"""Texts with ``\uXXXX`` brought into their canonical form, many at once.

The canonical form of a text is its shortest JSON form without the quotes: a text is decoded and
written again. All such texts of a block are decoded as one JSON list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from ft_runtime.doctor import hashing
from ft_runtime.doctor.blank import BLANK, is_blank

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def resolve(spans: list[memoryview]) -> tuple[Any, Any, Any, Any]:
    """Return digests, lengths, which are doubtful and which are blank, of texts with escapes.

    Parameters
    ----------
    spans : list of memoryview
        The texts as they stand in plain lines: see `signs`.

    Returns
    -------
    tuple of ndarray, shape (n,)
        As in `texts.Cut`.
    """
    import numpy as np

    size = len(spans)
    joined = b'["' + b'","'.join(spans) + b'"]'
    doubtful: Any = np.zeros(size, bool)
    texts = _decode_all(joined)
    if texts is None:
        alone = [decoded(span) for span in spans]
        doubtful[:] = [text is None for text in alone]
        texts = [text or "" for text in alone]
    write = _text_writer()
    digests = hashing.digests([write(text)[1:-1] for text in texts])
    if _control_escape(joined):
        doubtful |= np.fromiter((CONTROL.search(text) is not None for text in texts), bool, size)
    blank = [not text or (text[0] in BLANK and is_blank(text)) for text in texts]
    lengths = np.fromiter(map(len, texts), np.int64, size)
    return digests, lengths, doubtful, np.array(blank, bool)


def _decode_all(joined: bytes) -> list[str] | None:
    """Return the texts of a list; None when one has a wrong escape, or bytes that are no UTF-8."""
    try:
        found: list[str] = _list_reader()(joined)
    except ValueError:  # as all errors of the readers are
        return None
    return found


@cache
def _list_reader() -> Callable[[bytes], Any]:
    """Return what reads a list of texts: orjson, which takes half of msgspec's time for escapes."""
    try:
        from orjson import loads
    except ImportError:
        from msgspec.json import Decoder

        return Decoder(list[str]).decode
    return loads


@cache
def _text_writer() -> Callable[[str], bytes]:
    """Return what writes a text as `json_bytes` does, faster where orjson is there."""
    try:
        from orjson import dumps
    except ImportError:
        return json_bytes()
    return dumps


def _control_escape(joined: bytes) -> bool:
    r"""Return whether ``u000`` or ``u001`` stands anywhere, which may be a control character."""
    import numpy as np

    data = np.frombuffer(joined, np.uint8)
    found = data[:-3] == 117
    found &= data[1:-2] == 48
    found &= data[2:-1] == 48
    found &= (data[3:] | 1) == 49
    return bool(found.any())


@cache
def json_bytes() -> Callable[[str], bytes]:
    """Return the function that writes a text in its shortest JSON form."""
    import msgspec

    return msgspec.json.Encoder().encode


@cache
def _reader() -> tuple[Callable[[bytes], str], tuple[type[Exception], ...]]:
    import msgspec

    return msgspec.json.Decoder(str).decode, (msgspec.DecodeError, UnicodeDecodeError)


def decoded(span: bytes | memoryview) -> str | None:
    """Resolve all escapes; None when one of them is wrong, or the bytes are not UTF-8."""
    read, wrong = _reader()
    try:
        return read(b'"' + span + b'"')
    except wrong:
        return None


def canonical(span: bytes) -> bytes:
    """Return the canonical form of a text without errors, given as it stands in its line."""
    if b"\\" not in span:
        return span
    text = decoded(span)
    return span if text is None else json_bytes()(text)[1:-1]
