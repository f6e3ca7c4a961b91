"""How deep a config is nested: what goes by recursion over it must come to an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ft_runtime.config.schema import is_section, load_schema
from ft_runtime.findings import Finding, finding

MOST = 64
"""Levels of lists and mappings in a config; those that mean something have six."""


def too_deep(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Find the fields that make a config deeper than `MOST`, such as those that hold themselves."""
    known = load_schema()["properties"]
    for name, value in document.items():
        if not _is_deep(value, MOST - 1):
            continue
        # A section is not what is wrong if one of its fields is.
        section = is_section(known.get(name, {})) and isinstance(value, Mapping)
        inside = value.items() if section else ()
        deep = [f"{name}.{key}" for key, item in inside if _is_deep(item, MOST - 2)]
        for path in deep or [str(name)]:
            yield finding("config.too_deep", path, most=MOST)


def _is_deep(value: Any, most: int) -> bool:
    # Level by level, without recursion; what stands twice in a level is looked into once.
    level = {id(value): value}
    for _ in range(most + 1):
        level = {id(item): item for one in level.values() for item in _items(one)}
        if not level:
            return False
    return True


def _items(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []
