"""A look at a data file: its format, its first rows, which column is which, what is wrong."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ft_runtime.data.detect import Detected, detect_columns
from ft_runtime.data.formats import FORMATS
from ft_runtime.data.load import check_contents
from ft_runtime.data.places import listing, printable
from ft_runtime.data.read import Contents, read_head
from ft_runtime.findings import Finding, FindingsError, finding
from jupyter_ft.services.places import Root
from jupyter_ft.services.problem import Problem, fields, refuse
from jupyter_ft.services.statistics import label_counts, lengths, sizes

# What only the whole file can tell: the first rows of a file sorted by label have one label.
_NEED_ALL = {"data.one_class", "data.tiny_classes"}


@dataclass(frozen=True)
class Limits:
    """How much is read and shown.

    Attributes
    ----------
    head_bytes : int
        A larger file is not read beyond its first so many bytes.
    rows : int
        How many rows are shown.
    cell_characters : int
        Longer texts are shown cut, with an ellipsis at the end.
    extensions : tuple of str
        Endings of files that are looked at, in small letters, with their dot.
    """

    head_bytes: int = 2 << 20
    rows: int = 20
    cell_characters: int = 2000
    extensions: tuple[str, ...] = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class Look:
    """What was read of a file, and what it seems to be."""

    contents: Contents
    complete: bool
    detected: Detected
    format: str | None
    columns: Mapping[str, str]


def preview(body: Mapping[str, Any], root: Root, limits: Limits) -> dict[str, Any]:
    """Answer what is in a file of the server's folder.

    Parameters
    ----------
    body : Mapping
        ``path``, relative to the server's root; ``format`` and ``columns`` when chosen.

    Raises
    ------
    Problem
        When there is no such file, or it may not be read. What is wrong *in* it are findings.
    """
    given = fields(body, {"path": "string", "format": "string", "columns": "object"}, ["path"])
    check_choice(given["format"], given["columns"])
    place = root.file(given["path"])
    name = PurePath(given["path"]).name
    check_ending(name, limits)
    return preview_file(place, name, given["format"], given["columns"], limits)


def preview_upload(
    data: bytes, filename: str, format: str | None, columns: Any, limits: Limits
) -> dict[str, Any]:
    """Answer what is in an uploaded file, of which nothing is kept."""
    check_choice(format, columns)
    name = PurePath(filename.replace("\\", "/")).name
    check_ending(name, limits)
    handle, place = tempfile.mkstemp(suffix=PurePath(name).suffix.lower(), prefix="ft-upload-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        return preview_file(Path(place), name, format, columns, limits)
    finally:
        os.unlink(place)


def preview_file(
    place: Path, name: str, format: str | None, columns: Mapping[str, str] | None, limits: Limits
) -> dict[str, Any]:
    """Answer what is in a file on disk; see the route ``datasets/preview`` for the fields."""
    size = place.stat().st_size
    answer: dict[str, Any] = {
        "name": printable(name, 200),
        "bytes": size,
        "format": None,
        "declared": format,
        "columns": [],
        "mapping": {},
        "rows": [],
        "lines": [],
        "total_rows": None,
        "statistics": None,
        "labels": None,
        "findings": [],
        "complete": False,
    }
    try:
        seen = look(place, name, format, columns, limits)
    except FindingsError as error:
        return {**answer, "findings": [item.to_dict() for item in error.findings]}
    records = seen.contents.records
    shown = [record for record in records if not record.blank][: limits.rows]
    usable, findings = _check(seen)
    if not seen.complete:
        part = {"size": sizes(size), "seen": sizes(limits.head_bytes), "rows": len(records)}
        findings.append(finding("server.preview_partial", answer["name"], **part))
    mapping = _mapping(seen)
    return {
        **answer,
        "format": seen.detected.format,
        "columns": list(seen.contents.columns),
        "mapping": mapping,
        "rows": [_clip(record.value or {}, limits.cell_characters) for record in shown],
        "lines": [record.line for record in shown],
        "total_rows": len(records) if seen.complete else None,
        "statistics": {**lengths(records, mapping), **usable},
        "labels": label_counts(records, mapping) if seen.format == "csv_classification" else None,
        "findings": [item.to_dict() for item in findings],
        "complete": seen.complete,
    }


def look(
    place: Path,
    name: str,
    format: str | None,
    columns: Mapping[str, str] | None,
    limits: Limits,
) -> Look:
    """Read a file as far as the limits allow, and recognise it.

    Raises
    ------
    FindingsError
        When it cannot be read at all.
    """
    contents, complete = read_head(place, limits.head_bytes, name)
    detected = detect_columns(contents.columns)
    chosen = format or detected.format
    names = dict(columns or {})
    if not names and chosen == detected.format:
        names = dict(detected.columns)
    return Look(contents, complete, detected, chosen, names)


def check_ending(name: str, limits: Limits) -> None:
    """Refuse a file whose ending is not one of those that are looked at.

    Raises
    ------
    Problem
        400 ``server.bad_ending``.
    """
    ending = PurePath(name).suffix.lower()
    if ending not in limits.extensions:
        expected = ", ".join(limits.extensions)
        shown = printable(ending, 20) or "none"
        values = {"name": printable(name, 100), "got": shown, "expected": expected}
        raise refuse(400, "server.bad_ending", "path", **values)


def check_choice(format: str | None, columns: Any) -> None:
    """Refuse a format that does not exist, and columns that are no names.

    Raises
    ------
    Problem
        400 ``server.bad_field``.
    """
    found = []
    if format is not None and format not in FORMATS:
        expected = "one of " + ", ".join(FORMATS)
        shown = printable(format, 80)
        found.append(
            finding("server.bad_field", "format", name="format", expected=expected, got=shown)
        )
    if columns is not None and not (
        isinstance(columns, Mapping) and all(isinstance(v, str) for v in columns.values())
    ):
        expected = "an object of names"
        got = "something else"
        found.append(
            finding("server.bad_field", "columns", name="columns", expected=expected, got=got)
        )
    if found:
        raise Problem(400, found[0], found)


def _check(seen: Look) -> tuple[dict[str, Any], list[Finding]]:
    """Return how many rows can be used, and everything that is wrong."""
    contents = seen.contents
    if seen.format is None:
        present = listing(contents.columns) or "none"
        unknown = finding("server.unknown_format", contents.name, present=present)
        return {"usable": None}, [*contents.findings, unknown]
    rows, findings = check_contents(seen.format, seen.columns, [contents], contents.findings)
    if not seen.complete:
        findings = [item for item in findings if item.code not in _NEED_ALL]
    return {"usable": len(rows.usable) if rows is not None else None}, findings


def _mapping(seen: Look) -> dict[str, str]:
    """Return canonical column to the column of the file, for those that are there."""
    if seen.format is None:
        return {}
    names = {column: seen.columns.get(column, column) for column in FORMATS[seen.format].columns}
    return {
        column: name
        for column, name in names.items()
        if name in seen.contents.columns
        and (column == name or column in seen.columns or name not in seen.columns.values())
    }


def _clip(value: Any, limit: int, depth: int = 0) -> Any:
    """Return a value fit to be shown: long texts, long lists and deep nests are cut."""
    if isinstance(value, str):
        text = value if len(value) <= limit else value[:limit] + "…"
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float) and value - value != 0:
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 53:
        # Beyond this a browser would show another number.
        return str(value) if value.bit_length() < 4096 else "…"
    if isinstance(value, Mapping):
        if depth > 8:
            return "…"
        items = list(value.items())[:100]
        return {_clip(str(k), limit): _clip(v, limit, depth + 1) for k, v in items}
    if isinstance(value, list):
        if depth > 8:
            return "…"
        return [_clip(item, limit, depth + 1) for item in value[:100]]
    return value
