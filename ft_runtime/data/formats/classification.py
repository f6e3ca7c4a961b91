"""Text and label: one of two or more classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.data.formats.base import Format, Parsed
from ft_runtime.data.formats.text import check_text, note_oddities
from ft_runtime.data.places import Place
from ft_runtime.data.tally import Tally
from ft_runtime.findings import Finding, finding


def parse(values: Mapping[str, Any], place: Place, tally: Tally) -> Parsed:
    """Check one row. Labels are texts: a JSON 1 is "1", a JSON true is "true", 01 stays "01"."""
    problems = check_text(values, "text", place)
    fields = dict(values)
    label = values.get("label")
    if isinstance(label, bool | int):
        fields["label"] = str(label).lower()
        tally.add("data.label_from_json", place, example=fields["label"])
    else:
        problems += _check_label(values, place)
    if not problems:
        note_oddities(fields["text"], place, tally, set())
    return fields, problems


def _check_label(values: Mapping[str, Any], place: Place) -> list[Finding]:
    label = values.get("label")
    if isinstance(label, list):
        return [finding("data.several_labels", place.at("label"), count=len(label))]
    if isinstance(label, float):
        return [finding("data.label_is_fraction", place.at("label"), got=label)]
    return check_text(values, "label", place)


FORMAT = Format(
    name="csv_classification",
    required=("text", "label"),
    optional=(),
    parse=parse,
    prompt=lambda fields: fields["text"],
)
