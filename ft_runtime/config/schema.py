"""Find, load and walk the schema: the one place that knows a field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[1]


def schema_path() -> Path:
    """Return the schema file: inside the installed package, else beside it in a checkout.

    Raises
    ------
    FileNotFoundError
        When the installation is incomplete.
    """
    candidates = (
        _PACKAGE / "schemas" / "config.schema.json",
        _PACKAGE.parent / "schemas" / "config.schema.json",
    )
    for path in candidates:
        if path.is_file():
            return path
    raise FileNotFoundError(f"config.schema.json is in neither {candidates[0]} nor {candidates[1]}")


@lru_cache(maxsize=1)
def load_schema() -> dict[str, Any]:
    """Return the schema; shared and not to be changed."""
    schema: dict[str, Any] = json.loads(schema_path().read_text(encoding="utf-8"))
    return schema


@lru_cache(maxsize=1)
def version() -> int:
    """Return the version of the schema that this library speaks."""
    return int(load_schema()["x-version"])


@lru_cache(maxsize=1)
def validator() -> Any:
    """Return a jsonschema validator of the schema."""
    from ft_runtime.imports import import_jsonschema

    import_jsonschema()
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load_schema())


def is_section(field: dict[str, Any]) -> bool:
    """Tell whether a field of the schema is a section with fields of its own."""
    return "properties" in field and field.get("type") == "object"


def walk(
    schema: dict[str, Any] | None = None, prefix: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(dotted path, field)`` of every field and section, in the order of the schema."""
    for name, field in (schema or load_schema())["properties"].items():
        path = f"{prefix}{name}"
        yield path, field
        if is_section(field):
            yield from walk(field, f"{path}.")


def field_at(path: str) -> dict[str, Any] | None:
    """Return the schema of a dotted path, or None when there is no such field."""
    field = load_schema()
    for name in path.split("."):
        if name not in field.get("properties", {}):
            return None
        field = field["properties"][name]
    return field


def describe(field: dict[str, Any]) -> str:
    """Say in words what a field accepts: ``a whole number from 1 to 1024``."""
    if "anyOf" in field:
        return " or ".join(
            describe(option) for option in field["anyOf"] if option != {"type": "null"}
        )
    if "const" in field:
        return json.dumps(field["const"])
    if "enum" in field:
        return "one of " + ", ".join(json.dumps(value) for value in field["enum"])
    kinds = field.get("type", "any")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return " or ".join(_describe_kind(kind, field) for kind in kinds)


def _describe_kind(kind: str, field: dict[str, Any]) -> str:
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _describe_range(field)
    if kind == "array":
        return "a list of " + describe(field.get("items", {})).removeprefix("one of ").removeprefix(
            "a "
        )
    if kind == "object" and "properties" in field:
        return "a mapping with the keys " + ", ".join(field["properties"])
    names = {
        "string": "a text that is not empty" if field.get("minLength") else "a text",
        "boolean": "true or false",
        "object": "a mapping",
        "null": "nothing (null)",
    }
    return names.get(kind, "any value")


def _describe_range(field: dict[str, Any]) -> str:
    parts = []
    if "minimum" in field:
        parts.append(f"from {field['minimum']}")
    if "exclusiveMinimum" in field:
        parts.append(f"above {field['exclusiveMinimum']}")
    if "maximum" in field:
        parts.append(
            f"to {field['maximum']}" if "minimum" in field else f"at most {field['maximum']}"
        )
    if "exclusiveMaximum" in field:
        parts.append(f"below {field['exclusiveMaximum']}")
    return (" " + " ".join(parts)) if parts else ""
