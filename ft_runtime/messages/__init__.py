"""The catalogue: every sentence that a user can read, by stable code and by language.

``messages/<language>/<room>.json`` maps a code to its severity, message and hint, or a key to a
plain text. English is complete; another language may lack entries and then falls back to it.
The language is taken from ``FT_LANG``, then ``LANGUAGE`` and ``LANG``.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DEFAULT = "en"


@cache
def room(name: str, language: str = DEFAULT) -> dict[str, dict[str, str]]:
    """Return the entries of one room in one language; empty when there is no such file."""
    path = FOLDER / language / f"{name}.json"
    if not path.is_file():
        return {}
    entries: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return entries


def language() -> str:
    """Return the two-letter language asked for by the environment, or English."""
    for variable in ("FT_LANG", "LANGUAGE", "LANG"):
        code = os.environ.get(variable, "")[:2].lower()
        if code and (FOLDER / code).is_dir():
            return code
    return DEFAULT


def lookup(code: str) -> dict[str, str]:
    """Return the entry of `code` in the user's language.

    Raises
    ------
    KeyError
        When the English catalogue has no such code: a mistake in our code, never in user input.
    """
    name = code.split(".", 1)[0]
    english = room(name)[code]
    return {**english, **room(name, language()).get(code, {})}


def text(key: str, **values: Any) -> str:
    """Return a plain sentence of the catalogue with its ``{placeholders}`` filled."""
    return lookup(key)["text"].format(**values)


def codes() -> list[str]:
    """Return every code of the English catalogue, sorted: the table in the documentation."""
    names = sorted(path.stem for path in (FOLDER / DEFAULT).glob("*.json"))
    return sorted(code for name in names for code in room(name))
