"""Instruction, optional input, output; optionally a system text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.data.formats.base import Format, Parsed
from ft_runtime.data.formats.text import check_text, note_oddities
from ft_runtime.data.places import Place
from ft_runtime.data.tally import Tally


def parse(values: Mapping[str, Any], place: Place, tally: Tally) -> Parsed:
    """Check one row. An input that is missing or null is none: the fields then have ``""``."""
    problems = [
        found for column in ("instruction", "output") for found in check_text(values, column, place)
    ]
    fields = dict(values)
    if fields.get("input") is None:
        fields["input"] = ""
    problems += check_text(fields, "input", place, may_be_empty=True)
    if fields.get("system") is None:
        fields.pop("system", None)
    else:
        problems += check_text(fields, "system", place, may_be_empty=True)
        if fields["system"] == "":
            del fields["system"]
    if not problems:
        noted: set[str] = set()
        for text in fields.values():
            note_oddities(text, place, tally, noted)
    return fields, problems


FORMAT = Format(
    name="jsonl_instr",
    required=("instruction", "output"),
    optional=("input", "system"),
    parse=parse,
    prompt=lambda fields: (fields.get("system"), fields["instruction"], fields["input"]),
)
