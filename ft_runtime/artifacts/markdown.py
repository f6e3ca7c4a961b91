"""Markdown from values that nobody vouches for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

# Everything that Markdown, HTML inside it, or a table reads as markup.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#!|~$&])")
_BARE_PIPE = re.compile(r"(?<!\\)\|")


def one_line(value: Any) -> str:
    """Return `value` as text without line breaks or runs of white space."""
    return " ".join(str(value).split())


def escape(value: Any) -> str:
    """Return `value` as plain Markdown text on one line."""
    return _MARKUP.sub(r"\\\1", one_line(value))


def code(value: Any) -> str:
    """Return `value` as inline code on one line; a dash when it is empty."""
    shown = one_line(value)
    if not shown:
        return "–"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already; a bar in a cell does not end it."""
    lines = [header, ["---"] * len(header), *rows]
    safe = ([_BARE_PIPE.sub(r"\|", cell) for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in safe)
