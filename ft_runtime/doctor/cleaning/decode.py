"""The lines of a file as UTF-8, with what had to be changed for that."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from ft_runtime.doctor.cleaning.records import LONGEST
from ft_runtime.doctor.sniff import BOM, WIDE, unmarked_encoding
from ft_runtime.findings import FindingsError, finding

_HEAD = 1 << 16
_BLOCK = 1 << 18
_ESCAPED = re.compile("[\udc80-\udcff]")
Change = tuple[int, str, str]
"""Line, kind of change, what was done."""


def wide_encoding(stream: BinaryIO) -> str:
    """Return UTF-16 or UTF-32 with its byte order, or an empty text; the stream is at its start."""
    head = stream.read(_HEAD)
    stream.seek(0)
    marked = next((name for mark, name in WIDE if head.startswith(mark)), None)
    found = marked or unmarked_encoding(head) or ""
    return "UTF-32LE" if found == "UTF-32" else found


def wide_lines(stream: BinaryIO, encoding: str) -> Iterator[tuple[bytes, bool]]:
    """Yield the lines of a UTF-16 or UTF-32 file as UTF-8; the flag tells of lost characters.

    Raises
    ------
    FindingsError
        ``doctor_report.wide_line``: a line is too long to be held in memory.
    """
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest, first = "", True
    while True:
        raw = stream.read(_BLOCK)
        text = decoder.decode(raw, not raw)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        rest += text
        if len(rest) > LONGEST and "\n" not in text:
            raise FindingsError(
                [finding("doctor_report.wide_line", str(stream.name), limit=LONGEST)]
            )
        *lines, rest = rest.split("\n")
        for line in lines:
            yield _encoded(line + "\n")
        if not raw:
            break
    if rest:
        yield _encoded(rest)


def _encoded(line: str) -> tuple[bytes, bool]:
    return line.encode("utf-8", "replace"), "\ufffd" in line


def repair_line(raw: bytes, line: int) -> tuple[bytes, list[Change]]:
    """Return a line as UTF-8: bytes that are none are read as Windows-1252, else Latin-1.

    Only what is not UTF-8 is read so: the rest of the line stays as it is.
    """
    try:
        raw.decode("utf-8")
        return raw, []
    except UnicodeDecodeError as error:
        first = error.start
    made, count = _ESCAPED.subn(_western, raw.decode("utf-8", "surrogateescape"))
    what = f"{count} byte(s) that are not UTF-8, the first 0x{raw[first]:02x} at byte {first + 1}"
    return made.encode("utf-8"), [(line, "encoding", what)]


def _western(match: re.Match[str]) -> str:
    byte = bytes([ord(match[0]) - 0xDC00])
    try:
        return byte.decode("cp1252")
    except UnicodeDecodeError:
        return byte.decode("latin-1")


__all__ = ["BOM", "Change", "repair_line", "wide_encoding", "wide_lines"]
