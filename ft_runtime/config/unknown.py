"""Unknown keys, each with the known key that was probably meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from ft_runtime.config.schema import is_section, load_schema, walk
from ft_runtime.findings import Finding, finding
from ft_runtime.printing import printable


def unknown_keys(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield one ``config.unknown_key`` finding for each key that the schema does not have."""
    yield from _unknown(document, load_schema(), "")


def nearest(path: str) -> str | None:
    """Return the known dotted path nearest to an unknown one.

    An alias known from other tools wins, then a like name in the same section, then one anywhere.
    """
    section, _, name = path.rpartition(".")
    key = name.lower().replace("-", "_")
    aliases, names = _index()
    known = [*aliases.get(key, []), *names.get(key, [])]
    if known:
        return min(known, key=lambda candidate: candidate.rpartition(".")[0] != section)
    siblings = [
        candidate
        for found in names.values()
        for candidate in found
        if candidate.rpartition(".")[0] == section
    ]
    close = get_close_matches(
        key, [candidate.rpartition(".")[2] for candidate in siblings], n=1, cutoff=0.6
    )
    if close:
        return f"{section}.{close[0]}".lstrip(".")
    close = get_close_matches(key, [*names, *aliases], n=1, cutoff=0.7)
    return (names.get(close[0]) or aliases[close[0]])[0] if close else None


def _unknown(document: Mapping[str, Any], schema: dict[str, Any], prefix: str) -> Iterator[Finding]:
    known = schema["properties"]
    for name, value in document.items():
        path = f"{prefix}{name}"
        if name not in known:
            meant, shown = nearest(path), printable(path, 200)
            if meant:
                yield finding("config.unknown_key", shown, name=shown, nearest=meant)
            else:
                yield finding(
                    "config.unknown_key_no_neighbour", shown, name=shown, known=", ".join(known)
                )
        elif is_section(known[name]) and isinstance(value, Mapping):
            yield from _unknown(value, known[name], f"{path}.")


@lru_cache(maxsize=1)
def _index() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return aliases and names, each as ``{name: [dotted paths]}``."""
    aliases: dict[str, list[str]] = {}
    names: dict[str, list[str]] = {}
    for path, field in walk():
        names.setdefault(path.rpartition(".")[2], []).append(path)
        for alias in field.get("x-aliases", []):
            aliases.setdefault(alias, []).append(path)
    return aliases, names
