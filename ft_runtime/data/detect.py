"""Guessing the format of a file, and which of its columns is which, from names and first values."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ft_runtime.data.formats import FORMATS

_LOOKED_AT = 200
_CHATS = ("messages", "conversations", "conversation", "chat", "dialog")
# Names that go together: what is asked, what must be answered. Order matters: the clearer first.
_PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("prompt", "answer"),
    ("prompt", "output"),
    ("question", "answer"),
    ("question", "response"),
    ("question", "output"),
    ("question", "query"),
    ("question", "sql"),
    ("question", "sql_query"),
    ("query", "response"),
    ("query", "answer"),
    ("instruction", "response"),
    ("instruction", "output"),
    ("instruction", "answer"),
    ("instruction", "completion"),
    ("input", "output"),
    ("input", "response"),
    ("input", "target"),
    ("user", "assistant"),
    ("source", "target"),
    ("document", "summary"),
    ("dialogue", "summary"),
    ("article", "highlights"),
    ("article", "summary"),
    ("text", "summary"),
)
_INPUTS = ("input", "context", "inputs")
_TEXTS = (
    "text", "sentence", "utterance", "content", "review", "message", "comment", "tweet", "body",
    "description", "title", "document", "question", "query", "input",
)  # fmt: skip
_LABELS = (
    "label", "labels", "category", "class", "intent", "sentiment", "emotion", "topic", "target",
    "tag", "type", "label_text", "coarse_label", "polarity", "rating", "stars",
)  # fmt: skip

NAMES = frozenset(
    ("messages", "instruction", "prompt", "completion", *_INPUTS, *_TEXTS, *_LABELS, *_CHATS)
) | {name for pair in _PAIRS for name in pair}
"""Every name under which a column is recognised."""


class Detected(NamedTuple):
    """What a file looks like.

    Attributes
    ----------
    format : str or None
        A value for ``dataset.format``; None when nothing fits.
    columns : dict
        What to put under ``dataset.columns``; empty when the names are the canonical ones.
    """

    format: str | None
    columns: dict[str, str]


def detect_format(path: str | os.PathLike[str]) -> Detected:
    """Look at the first rows of a file and propose format and columns.

    Parameters
    ----------
    path : str or PathLike
        A file of rows, in any form that `ft_runtime.data.read.read_file` reads.

    Returns
    -------
    Detected
        ``(format, columns)``.

    Raises
    ------
    FindingsError
        When the file cannot be read at all.
    """
    from ft_runtime.doctor.head import first_columns

    return detect_columns(first_columns(os.fspath(path)))


def detect_columns(columns: Mapping[str, Any]) -> Detected:
    """Propose format and columns for column names with a first value each."""
    exact = [name for name, known in FORMATS.items() if all(c in columns for c in known.required)]
    for name in exact:
        if (found := suggest(name, columns)) == {}:
            return Detected(name, found)
    for name in ("jsonl_chat", "jsonl_instr", "jsonl_prompt", "csv_classification"):
        found = suggest(name, columns)
        # Question and answer are a prompt and a completion, unless a text stands beside them.
        named = (found or {}).get("instruction", "instruction") in _named(columns, "instruction")
        if name == "jsonl_instr" and not (named or "input" in (found or {})):
            continue
        if found is not None:
            return Detected(name, found)
    return Detected(None, {})


def suggest(format: str, columns: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the ``dataset.columns`` that would make `columns` fit a format.

    Returns
    -------
    dict or None
        Only the names that differ from the canonical ones; None when nothing fits.
    """
    names = {plain_name(name): name for name in reversed(list(columns))} | {n: n for n in columns}

    def text(alias: str) -> str | None:
        name = names.get(alias)
        return name if name is not None and isinstance(columns[name], str | None) else None

    if format == "jsonl_chat":
        return _first_chat(names, columns)
    if format == "csv_classification":
        found = _label_and_text(names, columns, text)
    else:
        found = next(
            (
                {"prompt": a, "completion": b}
                for x, y in _PAIRS
                if (a := text(x)) and (b := text(y))
            ),
            None,
        )
        if found and format == "jsonl_instr":
            asked, answered = found["prompt"], found["completion"]
            found = {"instruction": asked, "output": answered}
            extra = next((name for alias in _INPUTS if (name := text(alias))), None)
            if extra and extra not in (asked, answered):
                found["input"] = extra
    if found is None:
        return None
    return {canonical: name for canonical, name in found.items() if canonical != name}


def as_yaml(format: str, columns: Mapping[str, str]) -> str:
    """Return the lines of a config that say format and columns, ready to paste."""
    lines = ["dataset:", f"  format: {format}"]
    if columns:
        lines.append(f"  columns: {mapping_yaml(columns)}")
    return "\n".join(lines)


def mapping_yaml(columns: Mapping[str, str]) -> str:
    """Return ``dataset.columns`` as it is written in a config: ``{text: utterance}``."""
    return "{" + ", ".join(f"{name}: {_scalar(actual)}" for name, actual in columns.items()) + "}"


def _first_chat(names: Mapping[str, str], columns: Mapping[str, Any]) -> dict[str, str] | None:
    for alias in _CHATS:
        name = names.get(alias)
        if name is not None and isinstance(columns[name], list):
            return {} if name == "messages" else {"messages": name}
    return None


def _label_and_text(
    names: Mapping[str, str], columns: Mapping[str, Any], text: Any
) -> dict[str, str] | None:
    label = next(
        (
            names[alias]
            for alias in _LABELS
            if alias in names and isinstance(columns[names[alias]], str | int)
        ),
        None,
    )
    content = next((name for alias in _TEXTS if (name := text(alias)) and name != label), None)
    return {"text": content, "label": label} if content and label else None


def _named(columns: Mapping[str, Any], alias: str) -> list[str]:
    return [name for name in columns if plain_name(name) == alias]


def plain_name(name: str) -> str:
    """Return a name without what people vary: case, spaces around, dashes, invisible characters."""
    return re.sub(r"[\s-]+", "_", name.strip(" \t\r\n\ufeff\u200b\xa0")).lower()


def _scalar(name: str) -> str:
    """Return a column name as YAML: plain where that is safe, else quoted."""
    plain = re.fullmatch(r"[A-Za-z_][\w.-]*", name, re.ASCII)
    if plain and name.lower() not in ("null", "true", "false", "yes", "no", "on", "off", "y", "n"):
        return name
    return json.dumps(name)
