"""A JSON array as JSON Lines: each element as its own bytes, with the line on which it starts."""

from __future__ import annotations

import array
import codecs
import json
import re
from pathlib import Path
from typing import BinaryIO

from ft_runtime.findings import FindingsError, finding

_CHUNK = 1 << 20
_SPACE = re.compile(r"[ \t\r\n]*")
ELEMENT = 64 << 20
"""Longest element, in characters."""


def write_lines(
    path: Path, out: BinaryIO, name: str, most: int | None = None, cut: bool = False
) -> tuple[array.array[int], bool]:
    """Write every element on a line of its own.

    The element's own text is copied, so that doubled keys and odd numbers are still seen; white
    space with line breaks between its parts becomes blanks. An element that is no JSON ends the
    walk: nothing behind it can be told apart.

    Parameters
    ----------
    path, out, name
    most : int, optional
        Stop after so many bytes.
    cut : bool
        The file is the beginning of another.

    Returns
    -------
    numbers : array of int
        The line on which each element starts.
    complete : bool
        Whether these are all.

    Raises
    ------
    FindingsError
        The array is broken; the place and the rows before it are named.
    """
    numbers = array.array("Q")
    with open(path, "rb") as stream:
        walk = _Walk(stream, name)
        walk.skip()
        walk.expect("[")
        while not walk.at("]"):
            line = walk.line
            try:
                element = walk.element(most)
            except FindingsError:
                if cut and numbers:
                    return numbers, False
                raise
            numbers.append(line)
            out.write(element.replace("\r", " ").replace("\n", " ").encode("utf-8") + b"\n")
            if most is not None and out.tell() >= most:
                return numbers, False
            if walk.at("]") or (cut and not walk.text):
                break
            walk.expect(",")
            if walk.at("]"):
                raise walk.broken("a comma before the closing bracket")
        if cut and not walk.text:
            return numbers, False
        walk.expect("]")
        if walk.text:
            raise walk.broken("text after the end of the array")
    if not numbers:
        raise FindingsError([finding("data.blank_file", name)])
    return numbers, True


class _Walk:
    """A text read in pieces, with the line of where it stands."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._decoder = json.JSONDecoder()
        self._whole = ""
        self._at = 0
        self._ended = False
        self.line = 1

    @property
    def text(self) -> str:
        """What is left, as far as it was read."""
        return self._whole[self._at : self._at + 20]

    def at(self, sign: str) -> bool:
        return self._whole.startswith(sign, self._at)

    def expect(self, sign: str) -> None:
        if not self.at(sign):
            raise self.broken(f"expected {sign}, got {self.text[:10]!r}")
        self._at += 1
        self.skip()

    def skip(self) -> None:
        """Go over white space."""
        while True:
            match = _SPACE.match(self._whole, self._at)
            end = match.end() if match else self._at
            self.line += self._whole.count("\n", self._at, end)
            self._at = end
            if end < len(self._whole) or not self._more():
                return

    def element(self, most: int | None = None) -> str:
        """Return the text of the value here, and go behind it."""
        longest = ELEMENT if most is None else min(ELEMENT, most)
        while True:
            problem = ""
            try:
                _, end = self._decoder.raw_decode(self._whole, self._at)
            except RecursionError:
                raise self.broken("nested too deeply") from None
            except ValueError as error:
                problem, end = str(error).partition(": line")[0], -1
            # A number may go on in the next piece.
            if 0 <= end < len(self._whole) or (end >= 0 and self._ended):
                break
            if len(self._whole) - self._at > longest:
                where = f"{self._name}:{self.line}"
                raise FindingsError([finding("data.line_too_long", where, limit=longest)])
            if not self._more(len(self._whole) - self._at):
                raise self.broken(problem or "the file ends inside the array")
        text = self._whole[self._at : end]
        self.line += text.count("\n")
        self._at = end
        self.skip()
        return text

    def _more(self, amount: int = 0) -> bool:
        """Read on, twice as much each time: a long element is not parsed again and again."""
        if self._ended:
            return False
        raw = self._stream.read(max(_CHUNK, amount))
        self._ended = not raw
        try:
            text = self._decode(raw, not raw)
        except UnicodeDecodeError as error:
            raise self._not_utf8(error) from None
        self._whole = self._whole[self._at :] + text
        self._at = 0
        return bool(raw)

    def _not_utf8(self, error: UnicodeDecodeError) -> FindingsError:
        """Return what tells the line and the place in it of a byte."""
        data, start = error.object, error.start
        begin = data.rfind(b"\n", 0, start) + 1
        before = self._whole[self._at :]
        line = self.line + before.count("\n") + data.count(b"\n", 0, start)
        if not begin:  # the line began in the piece before
            begin -= len(before.rpartition("\n")[2].encode())
        where = f"{self._name}:{line} byte {start - begin + 1}"
        byte = f"0x{data[start]:02x}"
        return FindingsError([finding("data.not_utf8", where, byte=byte)])

    def broken(self, problem: str, line: int = 0) -> FindingsError:
        where = f"{self._name}:{line or self.line}"
        return FindingsError([finding("data.broken_array", where, problem=problem)])
