"""One JSON array of objects, each with the physical line on which it starts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ft_runtime.data.places import Place
from ft_runtime.data.read.contents import Record
from ft_runtime.data.read.lines import LineReader
from ft_runtime.data.read.strict_json import StrictJson, type_name
from ft_runtime.data.tally import Tally
from ft_runtime.findings import Finding, FindingsError, finding

_SPACE = re.compile(r"[ \t\r\n]*")


def read_array(lines: LineReader, name: str, tally: Tally) -> Iterator[Record]:
    """Yield one record an element.

    Raises
    ------
    FindingsError
        When the array is broken: nothing after the break can be told apart.
    """
    raw = lines.everything()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        raise FindingsError([finding("data.not_utf8", f"{name}:{line}", byte=byte)]) from None
    walk = _Walk(text, name)
    walk.expect("[")
    decoder = StrictJson()
    while not walk.at("]"):
        start = walk.position
        try:
            value, end = decoder.decode_at(text, start)
        except (ValueError, RecursionError) as error:
            raise FindingsError([walk.broken(*_reason(error))]) from None
        where = f"{name}:{walk.line}"
        problems: list[Finding] = decoder.findings(where)
        if decoder.out_of_range:
            tally.add("data.number_out_of_range", Place(name, walk.line, 0))
        if not problems and not isinstance(value, dict):
            problems = [finding("data.not_an_object", where, got=type_name(value))]
        yield Record(walk.line, None if problems else value, tuple(problems))
        walk.move(end)
        if not walk.at("]"):
            walk.expect(",")
            if walk.at("]"):
                raise FindingsError([walk.broken("trailing comma")])
    walk.expect("]")
    if walk.position != len(text):
        raise FindingsError([walk.broken("text after the end of the array")])


class _Walk:
    """A position in the text that knows its line."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.position = 0
        self.line = 1
        self.move(0)

    def move(self, position: int) -> None:
        """Go to `position` and on over white space."""
        match = _SPACE.match(self.text, position)
        end = match.end() if match else position
        self.line += self.text.count("\n", self.position, end)
        self.position = end

    def at(self, char: str) -> bool:
        return self.text.startswith(char, self.position)

    def expect(self, char: str) -> None:
        if not self.at(char):
            raise FindingsError([self.broken(f"expected {char}")])
        self.move(self.position + 1)

    def broken(self, problem: str, line: int = 0) -> Finding:
        where = f"{self.name}:{line or self.line}"
        return finding("data.broken_array", where, problem=problem)


def _reason(error: ValueError | RecursionError) -> tuple[str, int]:
    """Return what is wrong and on which line; 0 when the error does not know."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, column {error.colno}", error.lineno
    return "nested too deeply", 0
