"""Complete a config with the schema's defaults."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ft_runtime.config.schema import field_at, is_section, load_schema


def lookup(document: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, or None."""
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def complete(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the document with every missing field at its default.

    A section that does not apply (``lora`` in full fine-tuning) is left out, so that a completed
    config passes the same rules as the one it was made from. What the user wrote never changes.
    """
    schema = load_schema()
    filled = _fill(document, schema, document)
    tune_type = filled.get("tune_type")
    if "lora" not in document and tune_type == "full":
        filled.pop("lora", None)
    if "qlora" not in document and tune_type != "qlora":
        filled.pop("qlora", None)
    if lookup(filled, "qlora.bits") == 8:
        given = document.get("qlora", {})
        filled["qlora"] = {
            k: v for k, v in filled["qlora"].items() if k in given or "4bit" not in k
        }
    _complete_split(document, filled)
    return filled


def _fill(
    given: Mapping[str, Any], schema: dict[str, Any], root: Mapping[str, Any]
) -> dict[str, Any]:
    known = schema["properties"]
    result: dict[str, Any] = {}
    for name, field in known.items():
        if name in given:
            result[name] = _given(given[name], field, root)
        elif is_section(field):
            result[name] = _fill({}, field, root)
        elif "default" in field:
            result[name] = copy.deepcopy(_default(field, root))
    # Unknown keys stay, last, for the check to name.
    result.update(
        {name: copy.deepcopy(value) for name, value in given.items() if name not in known}
    )
    return result


def _given(value: Any, field: dict[str, Any], root: Mapping[str, Any]) -> Any:
    if is_section(field) and isinstance(value, Mapping):
        return _fill(value, field, root)
    if field.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if field.get("type") == "number" and type(value) is int:
        return float(value) if abs(value) < 1 << 53 else value
    return copy.deepcopy(dict(value) if isinstance(value, Mapping) else value)


def _default(field: dict[str, Any], root: Mapping[str, Any]) -> Any:
    for case in field.get("x-default-when", []):
        if lookup(root, case["field"]) in case["in"]:
            return case["value"]
    return field["default"]


def _complete_split(document: Mapping[str, Any], filled: dict[str, Any]) -> None:
    """Shares belong together: when one is given, those that are not are 0, not their defaults."""
    dataset = filled.get("dataset")
    if not isinstance(dataset, dict) or not isinstance(dataset.get("split"), dict):
        return
    given = lookup(document, "dataset.split")
    shares = (field_at("dataset.split") or {})["x-together"]
    if isinstance(given, Mapping) and any(share in given for share in shares):
        for share in shares:
            if share not in given:
                dataset["split"][share] = 0.0
    if isinstance(dataset.get("path"), Mapping) and "split" not in document.get("dataset", {}):
        # One file per split: the files are the split.
        dataset.pop("split")
