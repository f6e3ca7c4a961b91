"""Cells: how values enter code, how user text enters markdown, and what a cell carries."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import nbformat

from ft_runtime.files import sha256_bytes

_WIDTH = 88
_DIGEST_LENGTH = 16
# Names, paths and numbers mean nothing to a renderer: they stay readable in the source.
_PLAIN = re.compile(r"(\.{0,2}/)*[A-Za-z0-9]+([_./-][A-Za-z0-9]+)*")


def literal(value: Any, indent: int = 0) -> str:
    r"""Return Python source that evaluates back to `value` and to nothing else.

    Strings go through `repr`, which leaves no line break, control character or direction mark
    unescaped: whatever a user typed stays inside its quotes, on its line.

    Parameters
    ----------
    value : dict, list, str, int, float, bool or None
        Plain data, as JSON and YAML give it.
    indent : int
        Spaces before the closing bracket of a value that takes several lines.

    Raises
    ------
    TypeError
        For any other type, which has no literal of its own.
    ValueError
        For NaN, which has no literal.
    """
    flat = _flat(value)
    if not isinstance(value, (Mapping, list, tuple)) or not value:
        return flat
    sections = value.values() if isinstance(value, Mapping) else ()
    nested = any(isinstance(section, Mapping) and section for section in sections)
    if not nested and indent + len(flat) <= _WIDTH - 12:
        return flat
    inner = " " * (indent + 4)
    if isinstance(value, Mapping):
        lines = [f"{inner}{_flat(k)}: {literal(v, indent + 4)},\n" for k, v in value.items()]
        return "{\n" + "".join(lines) + " " * indent + "}"
    lines = [f"{inner}{literal(v, indent + 4)},\n" for v in value]
    return "[\n" + "".join(lines) + " " * indent + "]"


def _flat(value: Any) -> str:
    """Return `value` as a literal on one line."""
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, (bool, int)):
        return repr(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flat(k)}: {_flat(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flat(v) for v in value) + "]"
    raise TypeError(f"no literal for {type(value).__name__}")


def _quoted(text: str) -> str:
    """Return `repr(text)`, in double quotes where that changes nothing else."""
    # str() first: a subclass could bring a __repr__ of its own.
    source = repr(str(text))
    if source[0] == "'" and '"' not in source:
        return f'"{source[1:-1]}"'
    return source


def _number(value: float) -> str:
    if math.isnan(value):
        raise ValueError("NaN has no literal")
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return repr(float(value))


def markdown(value: Any) -> str:
    """Return `value` as markdown that shows it as it is, whatever characters it holds.

    Every character that could mean something to markdown, HTML or MathJax becomes a numeric
    entity, characters that cannot be seen become their escapes, and the whole sits in ``<code>``,
    where no renderer looks for formulas.
    """
    text = value if isinstance(value, str) else _flat(value)
    if _PLAIN.fullmatch(text) and "www" not in text.lower():
        return f"<code>{text}</code>"
    return f"<code>{''.join(_entity(c) for c in text)}</code>"


def _entity(character: str) -> str:
    if character.isalnum() or character in " ,-/":
        return character
    if not character.isprintable():
        escape = character.encode("unicode_escape", "surrogatepass").decode("ascii")
        return "".join(_entity(c) for c in escape)
    return f"&#{ord(character)};"


def digest(source: str) -> str:
    """Return what tells an edited cell from an untouched one: 16 hex digits of its SHA-256."""
    return sha256_bytes(source.encode("utf-8"))[:_DIGEST_LENGTH]


def make_cell(
    source: str,
    *,
    kind: str,
    template: str,
    section: str,
    metadata: Mapping[str, Any] | None = None,
) -> nbformat.NotebookNode:
    """Return a notebook cell that knows where it comes from.

    Parameters
    ----------
    source : str
        Rendered source.
    kind : {"md", "py"}
        Markdown or code.
    template : str
        Name of the template, also the source of the cell's id.
    section : str
        One of the notebook's sections.
    metadata : Mapping, optional
        More metadata, such as tags.
    """
    make = nbformat.v4.new_code_cell if kind == "py" else nbformat.v4.new_markdown_cell
    provenance = {"section": section, "template": template, "digest": digest(source)}
    return make(
        source,
        id=template.split("_", 1)[1].replace("_", "-"),
        metadata={**(metadata or {}), "jupyter_ft": provenance},
    )


def is_untouched(cell: Mapping[str, Any]) -> bool:
    """Return True if `cell` was made by us and its source has not been edited since."""
    provenance = cell.get("metadata", {}).get("jupyter_ft", {})
    return bool(provenance.get("digest") == digest(cell["source"]))
