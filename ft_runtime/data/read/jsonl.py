"""JSON Lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator

from ft_runtime.data.places import Place
from ft_runtime.data.read.contents import Record
from ft_runtime.data.read.lines import LineReader
from ft_runtime.data.read.strict_json import StrictJson, type_name
from ft_runtime.data.tally import Tally
from ft_runtime.findings import finding


def read_jsonl(lines: LineReader, name: str, tally: Tally) -> Iterator[Record]:
    """Yield one record a line, blank lines included."""
    decoder = StrictJson()
    while (raw := lines.line()) is not None:
        where = f"{name}:{lines.number}"
        body = raw.rstrip(b"\r\n")
        if not body.strip(b" \t\r"):
            yield Record(lines.number, None, (finding("data.blank_line", where),), blank=True)
            continue
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            yield Record(
                lines.number, None, (finding("data.not_utf8", where, byte=error.start + 1),)
            )
            continue
        value, problems = decoder.decode(text, where)
        if decoder.out_of_range:
            tally.add("data.number_out_of_range", Place(name, lines.number, 0))
        if not problems and not isinstance(value, dict):
            problems = [finding("data.not_an_object", where, got=type_name(value))]
        yield Record(lines.number, None if problems else value, tuple(problems))
