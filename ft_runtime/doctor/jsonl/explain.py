"""The slow path: everything that is wrong with one row, each with its place and in words."""

from __future__ import annotations

from typing import Any

from xxhash import xxh3_64_intdigest

from ft_runtime.doctor import hashing
from ft_runtime.doctor.jsonl.escapes import json_bytes
from ft_runtime.doctor.jsonl.layout import Layout
from ft_runtime.doctor.jsonl.parse import parse, shorten
from ft_runtime.doctor.jsonl.turns import judge_turns
from ft_runtime.doctor.jsonl.value import Explained, Piece, kind, text_of
from ft_runtime.doctor.problems import Problem


def explain(
    line: bytes, layout: Layout, risky: bool | None = None, *, sound: bool = True
) -> Explained:
    """Return everything that there is to say about one line.

    Parameters
    ----------
    line : bytes
        Without its line end.
    layout : Layout
    risky, sound
        See `parse.parse`.
    """
    parsed = parse(line, risky, sound=sound)
    row = Explained(parsed.problems, whole=parsed.whole, risky=parsed.risky)
    if not parsed.sound:
        return row
    pieces = judge(parsed.value, layout, row)
    if not row.fine:
        row.chars, row.label = 0, None
        return row
    write = json_bytes()
    for text, more, tag, place, answer in pieces:
        plain = write(text)[1:-1] + more
        term = hashing.term(xxh3_64_intdigest(plain), tag, place)
        row.content += term
        row.prompt += 0 if answer else term
    row.content %= 2**64
    row.prompt %= 2**64
    return row


def judge(value: Any, layout: Layout, row: Explained) -> list[Piece]:
    """Add everything that is wrong with a value as a row, whatever it was read from.

    Parameters
    ----------
    value : object
        As JSON has it.
    layout : Layout
    row : Explained
        Gets the problems, the length and the keys that are not used.

    Returns
    -------
    list of Piece
        The texts of the row.
    """
    if not isinstance(value, dict):
        row.problems.append(Problem("not_an_object", values={"got": kind(value)}))
        return []
    used = layout.used
    if not value.keys() <= used:
        row.extras = {shorten(key) for key in value if key not in used}
    return judge_turns(value, layout, row) if layout.chat else _flat(value, layout, row)


def _flat(value: dict[str, Any], layout: Layout, row: Explained) -> list[Piece]:
    pieces: list[Piece] = []
    for column in layout.columns:
        if column.actual not in value:
            if column.required:
                row.problems.append(
                    Problem("missing_field", column.actual, {"name": shorten(column.actual)})
                )
            continue
        content = value[column.actual]
        if content is None and not column.required:
            continue
        is_label = layout.format == "csv_classification" and column.answer
        if is_label:
            text = _label(content, column.actual, row)
        else:
            text = text_of(content, column.actual, row, column.required)
        if text is None:
            continue
        if is_label:
            row.label = json_bytes()(text)[1:-1]
        if text or column.required:
            pieces.append((text, b"", column.number, 0, column.answer))
    return pieces


def _label(value: Any, path: str, row: Explained) -> str | None:
    """Return a label as text: whole numbers and true/false are names of classes too."""
    add = row.problems.append
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, int):
        text = str(value)
    elif isinstance(value, float) and value == value:
        add(Problem("label_is_fraction", path, {"got": value}))
        return None
    elif isinstance(value, list):
        add(Problem("several_labels", path, {"count": len(value)}))
        return None
    else:
        return text_of(value, path, row)
    add(Problem("label_from_json", path, {"example": shorten(text)}))
    row.chars += len(text)
    return text
