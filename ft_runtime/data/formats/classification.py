"""Text and label: one of two or more classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.data.formats.base import Fields, Format


def fields(values: Mapping[str, Any]) -> Fields:
    """Return text and label. Labels are texts: a JSON 1 is "1", true is "true", 01 stays "01"."""
    label = values["label"]
    if isinstance(label, bool | int):
        label = str(label).lower()
    return {"text": values["text"], "label": label}


FORMAT = Format(
    name="csv_classification",
    required=("text", "label"),
    optional=(),
    fields=fields,
    prompt=lambda fields: fields["text"],
)
