"""Instruction, optional input, output; optionally a system text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.data.formats.base import Fields, Format


def fields(values: Mapping[str, Any]) -> Fields:
    """Return the texts. An input that is missing or null is none, which is ``""``."""
    made = dict(values)
    if made.get("input") is None:
        made["input"] = ""
    if not made.get("system"):
        made.pop("system", None)
    return made


FORMAT = Format(
    name="jsonl_instr",
    required=("instruction", "output"),
    optional=("input", "system"),
    fields=fields,
    prompt=lambda fields: (fields.get("system"), fields["instruction"], fields["input"]),
)
