"""What the schema's rules across fields leave to choose, for a config as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ft_runtime.config import load_schema


def ruled_out(document: dict[str, Any]) -> Iterator[str]:
    """Name the fields and sections that the rules forbid, or leave one value, for a document."""
    for rule in _holding(document):
        yield from _forbidden(rule["then"], "")


def names_of(path: str, document: dict[str, Any]) -> list[str]:
    """Return the keys that a mapping may have; none when nothing is said."""
    found: list[str] = []
    for rule in _holding(document, path):
        part: Any = rule["then"]
        for name in path.split("."):
            part = part.get("properties", {}).get(name, {}) if isinstance(part, Mapping) else {}
        found += part.get("propertyNames", {}).get("enum", [])
    return found


def is_forbidden(path: str, option: Any, document: dict[str, Any]) -> bool:
    """Tell whether a choice may not take an option as the other fields stand.

    Parameters
    ----------
    path : str
        Of the choice.
    option : Any
        The value; of a field that takes several, the list with this one alone.
    document : dict
        Complete with defaults.
    """
    changed = _with(document, path.split("."), option)
    return any(
        rule["then"] is False or not _validator(number, "then").is_valid(changed)
        for number, rule in enumerate(load_schema()["allOf"])
        if rule["x-where"] == path and _validator(number, "if").is_valid(changed)
    )


def _holding(document: dict[str, Any], where: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rules whose condition the document meets."""
    for number, rule in enumerate(load_schema()["allOf"]):
        if where in (None, rule["x-where"]) and _validator(number, "if").is_valid(document):
            yield rule


@lru_cache(maxsize=128)
def _validator(number: int, part: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load_schema()["allOf"][number][part])


def _with(document: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """Return a copy that has another value at a path."""
    first, *rest = path
    if not rest:
        return {**document, first: value}
    inner = document.get(first)
    return {**document, first: _with(inner if isinstance(inner, dict) else {}, rest, value)}


def _forbidden(then: Any, path: str) -> Iterator[str]:
    if not isinstance(then, Mapping):
        return  # `false` forbids a combination: that is a finding
    prefix = f"{path}." if path else ""
    for name in then.get("not", {}).get("required", ()):
        yield f"{prefix}{name}"
    if path and (then.get("type") == "null" or "const" in then):
        yield path  # one value is left: nothing to ask
    for name, part in then.get("properties", {}).items():
        yield from _forbidden(part, f"{prefix}{name}")
