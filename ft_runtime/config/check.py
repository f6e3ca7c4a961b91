"""Check a config: every finding at once, each with its field and what to type."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ft_runtime.config import schema
from ft_runtime.config.defaults import complete, lookup
from ft_runtime.config.depth import too_deep
from ft_runtime.config.model import Config
from ft_runtime.config.read import as_mapping, read_document
from ft_runtime.config.rules import check_rules
from ft_runtime.config.unknown import unknown_keys
from ft_runtime.findings import Finding, FindingsError, errors, finding, notify, raise_for_errors
from ft_runtime.printing import printable

Source = Mapping[str, Any] | str | Path
_MISTYPED = {"config.wrong_type", "config.wrong_shape", "config.no_value"}
_RANGES = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}


def load_config(source: Source) -> Config:
    """Load, complete and check a config.

    Parameters
    ----------
    source : Mapping, str or Path
        The document itself, or the path of a YAML or JSON file.

    Returns
    -------
    Config
        Complete with defaults. Warnings are shown, and do not stop.

    Raises
    ------
    FindingsError
        With all findings when at least one is an error.
    """
    if isinstance(source, Config):
        return source
    config, findings = check_config(source)
    raise_for_errors(findings)
    notify(*findings)
    assert config is not None
    return config


def check_config(source: Source) -> tuple[Config | None, list[Finding]]:
    """Check a config and return it with all findings.

    Returns
    -------
    config : Config or None
        None when there are errors.
    findings : list of Finding
        Errors first.
    """
    try:
        given = read_document(source) if isinstance(source, str | Path) else as_mapping(source)
    except FindingsError as error:
        return None, error.findings
    if broken := list(too_deep(given)) or list(_bad_values(given)):
        return None, broken
    filled = complete(given)
    found = [*unknown_keys(given), *_schema_findings(filled), *check_rules(given, filled)]
    # To a config of a newer version all the rest may be right: that is what to know first.
    found.sort(key=lambda item: (item.code != "config.newer_version", item.severity != "error"))
    return (None if errors(found) else Config(filled)), found


def _bad_values(value: Any, path: str = "") -> Iterator[Finding]:
    """Find what no schema sees: keys that are no texts, NaN, and text that UTF-8 has not."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                yield finding("config.key_not_text", path or "config", got=repr(key))
                continue
            yield from _bad_values(key, f"{path}.{key!r}".lstrip("."))
            yield from _bad_values(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _bad_values(item, f"{path}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield finding("config.not_finite", path, got=value)
    elif isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            yield finding("config.bad_text", path, position=error.start)
    elif not isinstance(value, int | float | None):
        yield finding(
            "config.wrong_type",
            path,
            expected="plain data (text, number, list, mapping)",
            got=_show(value),
        )


def _schema_findings(filled: dict[str, Any]) -> Iterator[Finding]:
    # To a rule that looks into a section which is no mapping everything seems to be true.
    whole = all(
        isinstance(filled.get(path, {}), Mapping)
        for path, field in schema.load_schema()["properties"].items()
        if schema.is_section(field)
    )
    found: dict[tuple[str, str], Finding] = {}
    for error in schema.validator().iter_errors(filled):
        if not whole and error.absolute_schema_path[0] == "allOf":
            continue
        for part in _alternative(error):
            item = _translate(part, filled)
            if item:
                found.setdefault((item.code, item.where), item)
    mistyped = {where for code, where in found if code in _MISTYPED}
    for item in found.values():
        # A value of the wrong type is out of the range and none of the choices, too.
        if item.where not in mistyped or item.code in _MISTYPED:
            yield item


def _alternative(error: Any) -> list[Any]:
    """Return what is wrong by the one alternative that a value was meant for; else the error."""
    if error.validator != "anyOf" or error.absolute_schema_path[0] == "allOf":
        return [error]
    options: dict[Any, list[Any]] = {}
    for part in error.context:
        options.setdefault(part.relative_schema_path[0], []).append(part)
    meant = [
        parts
        for parts in options.values()
        if not any(part.validator in ("type", "const") and not part.path for part in parts)
    ]
    # A key that is not known there has no better name than the shape that was expected.
    if len(meant) == 1 and all(part.validator != "additionalProperties" for part in meant[0]):
        return meant[0]
    return [error]


def _translate(error: Any, filled: dict[str, Any]) -> Finding | None:
    """Turn one jsonschema error into a finding; None for what another check tells better."""
    place = list(error.absolute_schema_path)
    if place and place[0] == "allOf":
        rule = schema.load_schema()["allOf"][place[1]]
        return finding(rule["x-rule"], rule["x-where"], got=_show(lookup(filled, rule["x-where"])))
    path = _dotted(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(
        error.schema.get("additionalProperties"), bool
    ):
        return None  # unknown_keys names each one with its neighbour
    if error.validator == "required":
        return _missing(error, path)
    if "columns" in path.split(".") and error.validator == "enum" and path == "dataset.columns":
        return finding(
            "config.unknown_column",
            path,
            got=_show(error.instance),
            expected=", ".join(error.schema["enum"]),
        )
    field = (
        schema.field_at(_dotted(part for part in error.absolute_path if isinstance(part, str)))
        or error.schema
    )
    expected = schema.describe(field)
    got = _show(error.instance)
    if error.validator in _RANGES:
        return finding("config.out_of_range", path, expected=expected, got=got, name=path)
    if error.validator in ("enum", "const"):
        options = error.schema.get("enum", [])
        return finding(
            "config.not_allowed",
            path,
            expected=schema.describe(error.schema),
            got=got,
            hint=_nearest(error.instance, options, path),
        )
    if error.validator in ("minLength", "pattern"):
        return finding("config.empty", path, expected=expected, name=path)
    if error.validator == "uniqueItems":
        return finding("config.repeated", path, got=got)
    if error.instance is None:
        return finding("config.no_value", path, name=path, expected=expected)
    if isinstance(error.instance, list | Mapping):
        example = f"{path}: {_example(field, path)}"
        return finding("config.wrong_shape", path, expected=expected, got=got, example=example)
    return finding("config.wrong_type", path, expected=expected, got=got)


def _example(field: dict[str, Any], path: str) -> str:
    """Return a value that a field takes: its example or default, else a word in its place."""
    for value in (*field.get("examples", ()), field.get("default")):
        if value is not None:
            return json.dumps(value, ensure_ascii=False)
    return "{...}" if schema.is_section(field) else f"your_{path.rpartition('.')[2]}"


def _missing(error: Any, path: str) -> Finding:
    name = next(key for key in error.validator_value if key not in error.instance)
    full = f"{path}.{name}".lstrip(".")
    field = schema.field_at(full) or error.schema.get("properties", {}).get(name, {})
    return finding(
        "config.missing",
        full,
        expected=schema.describe(field),
        help=field.get("description", ""),
        name=name,
    )


def _nearest(got: Any, options: list[Any], path: str) -> str:
    names = [option for option in options if isinstance(option, str)]
    close = get_close_matches(str(got).lower(), names, n=1, cutoff=0.5)
    return (
        f"{path}: {close[0]}" if close else f"{path}: {json.dumps(options[0])}" if options else path
    )


def _dotted(parts: Any) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _show(value: Any) -> str:
    # A character that turns the writing direction would turn the sentence around it.
    return printable(json.dumps(value, ensure_ascii=False, default=repr), 80)
