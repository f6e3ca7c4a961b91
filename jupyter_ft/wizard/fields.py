"""The fields of the config as a form needs them, read off the schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ft_runtime.config import schema
from ft_runtime.findings import text

STEPS = ("model", "data", "training", "review")


@dataclass(frozen=True)
class Field:
    """One field.

    Attributes
    ----------
    path : str
        Dotted path in the config.
    kind : {"choice", "choices", "boolean", "text", "number", "mapping", "document"}
        How it is typed; a ``mapping`` is one name for another, a ``document`` any other list or
        mapping, written as YAML.
    options : tuple
        What a choice offers.
    help : str
        What it means, with its unit, what it accepts, and its default.
    """

    path: str
    title: str
    help: str
    unit: str
    step: str
    section: str
    advanced: bool
    kind: str
    options: tuple[Any, ...]
    default: Any


@lru_cache(maxsize=1)
def fields() -> tuple[Field, ...]:
    """Return all fields in the order of the schema; a section's own fields, not the section."""
    return tuple(_read(path, part) for path, part in schema.walk() if not schema.is_section(part))


def section_title(path: str) -> str:
    """Return the title of a section, '' for the top level."""
    part = schema.field_at(path) if path else None
    return str(part.get("title", path)) if part else ""


def _read(path: str, part: dict[str, Any]) -> Field:
    step = part.get("x-step")
    items = part.get("items", {}).get("enum", ())
    return Field(
        path=path,
        title=str(part.get("title", path)),
        help=_help(part),
        unit=str(part.get("x-unit", "")),
        step=step if step in STEPS else "review",
        section=path.rpartition(".")[0],
        advanced=bool(part.get("x-advanced")),
        kind=_kind(part),
        options=tuple(part.get("x-options") or part.get("enum", items)),
        default=part.get("default"),
    )


def _kind(part: dict[str, Any]) -> str:
    if "enum" in part:
        return "choice"
    if "enum" in part.get("items", {}):
        return "choices"
    if "propertyNames" in part:
        return "mapping"
    kinds = _types(part).union(*(_types(option) for option in part.get("anyOf", ())))
    if kinds & {"integer", "number"}:
        return "number"
    if kinds & {"array", "object"}:
        return "document"
    return "boolean" if "boolean" in kinds else "text"


def _types(part: dict[str, Any]) -> set[str]:
    kinds = part.get("type", [])
    return set(kinds) if isinstance(kinds, list) else {kinds}


def _help(part: dict[str, Any]) -> str:
    said = [str(part.get("description", ""))]
    if _kind(part) == "number":
        said.append(text("wizard.accepts", what=schema.describe(part)))
    if "x-unit" in part:
        said.append(text("wizard.unit", unit=part["x-unit"]))
    if part.get("default") is not None:
        value = part["default"]
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        said.append(text("wizard.default", value=shown))
    return " ".join(said)
