"""Prompt and completion: a text, and the text that must follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.data.formats.base import Format, Parsed
from ft_runtime.data.formats.text import check_text, note_oddities
from ft_runtime.data.places import Place
from ft_runtime.data.tally import Tally


def parse(values: Mapping[str, Any], place: Place, tally: Tally) -> Parsed:
    """Check one row; both texts are kept exactly as they stand, leading spaces included."""
    problems = [
        found for column in ("prompt", "completion") for found in check_text(values, column, place)
    ]
    if not problems:
        noted: set[str] = set()
        for column in ("prompt", "completion"):
            note_oddities(values[column], place, tally, noted)
    return dict(values), problems


FORMAT = Format(
    name="jsonl_prompt",
    required=("prompt", "completion"),
    optional=(),
    parse=parse,
    prompt=lambda fields: fields["prompt"],
)
