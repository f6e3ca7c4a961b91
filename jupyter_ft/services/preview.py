"""A look at data, in a file or on the hub: format, first rows, columns, and what is wrong."""

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
from ft_runtime.doctor.shape import detect_rows
from ft_runtime.findings import Finding, FindingsError, finding
from jupyter_ft.services.choice import check_choice, one_source
from jupyter_ft.services.clip import clip
from jupyter_ft.services.hub_datasets import HubDatasets, HubLook
from jupyter_ft.services.places import Root, check_ending
from jupyter_ft.services.problem import fields
from jupyter_ft.services.statistics import label_counts, lengths, sizes

_FIELDS = {
    "path": "string", "id": "string", "config_name": "string", "revision": "string",
    "split": "string", "format": "string", "columns": "object",
}  # fmt: skip
# What only the whole file can tell: the first rows of a file sorted by label have one label.
_NEED_ALL = {"data.one_class", "data.tiny_classes"}
_TASTED = 200


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
    extensions: tuple[str, ...] = (
        ".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".txt", ".parquet", ".arrow", ".gz", ".zst"
    )  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What was read of the data, and what it seems to be."""

    contents: Contents
    complete: bool
    detected: Detected
    format: str | None
    columns: Mapping[str, str]


def preview(
    body: Mapping[str, Any], root: Root, limits: Limits, hub: HubDatasets
) -> dict[str, Any]:
    """Answer what is in a file of the server's folder, or in a dataset of the hub.

    Parameters
    ----------
    body : Mapping
        ``path``, relative to the server's root, or ``id``, ``config_name``, ``revision`` and
        ``split`` of a hub dataset; ``format`` and ``columns`` when chosen.

    Raises
    ------
    Problem
        When there is no such file, or it may not be read. What is wrong *in* it, and whatever
        is wrong with a dataset of the hub, are findings.
    """
    given = one_source(fields(body, _FIELDS))
    check_choice(given["format"], given["columns"])
    if given["id"] is not None:
        return preview_hub(given, given["format"], given["columns"], limits, hub)
    place = root.data_file(given["path"], limits.extensions)
    name = PurePath(given["path"]).name
    return preview_file(place, name, given["format"], given["columns"], limits)


def preview_upload(
    data: bytes, filename: str, format: str | None, columns: Any, limits: Limits
) -> dict[str, Any]:
    """Answer what is in an uploaded file, of which nothing is kept."""
    check_choice(format, columns)
    name = PurePath(filename.replace("\\", "/")).name
    check_ending(name, limits.extensions)
    ending = "".join(PurePath(name).suffixes[-2:]).lower()
    handle, place = tempfile.mkstemp(suffix=ending[-20:], prefix="ft-upload-")
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
    answer = {**_EMPTY, "name": printable(name, 200), "bytes": size, "declared": format}
    try:
        seen = look(place, name, format, columns, limits)
    except FindingsError as error:
        return {**answer, "findings": [item.to_dict() for item in error.findings]}
    count = len(seen.contents.records)
    found = []
    if not seen.complete:
        part = {"size": sizes(size), "seen": sizes(limits.head_bytes), "rows": count}
        found.append(finding("server.preview_partial", answer["name"], **part))
    about = count if seen.complete else None
    if about is None and seen.contents.text:
        about = round(count * size / limits.head_bytes)
    return {**answer, **_shown(seen, limits, found), "estimated_rows": about}


def preview_hub(
    given: Mapping[str, Any],
    format: str | None,
    columns: Mapping[str, str] | None,
    limits: Limits,
    hub: HubDatasets,
) -> dict[str, Any]:
    """Answer what is in a dataset of the hub; see the route ``datasets/preview`` for the fields."""
    known, seen = look_at_hub(given, format, columns, hub)
    answer = {**_EMPTY, "name": known.facts["id"], "declared": format, "hub": known.facts}
    if seen is None:
        return {**answer, "findings": [item.to_dict() for item in known.findings]}
    count = len(seen.contents.records)
    found = list(known.findings)
    if not known.complete:
        values = {"rows": count, "split": printable(known.facts["split"], 80)}
        found.append(finding("server.hub_partial", answer["name"], **values))
    return {**answer, **_shown(seen, limits, found), "estimated_rows": known.total}


def look_at_hub(
    given: Mapping[str, Any],
    format: str | None,
    columns: Mapping[str, str] | None,
    hub: HubDatasets,
) -> tuple[HubLook, Look | None]:
    """Read the first rows of a hub dataset, and recognise them; None when there are none."""
    known = hub.look(given["id"], given["config_name"], given["revision"], given["split"])
    if known.contents is None:
        return known, None
    return known, _recognise(known.contents, known.complete, format, columns)


_EMPTY: dict[str, Any] = {
    "name": "",
    "bytes": None,
    "format": None,
    "declared": None,
    "columns": [],
    "mapping": {},
    "rows": [],
    "lines": [],
    "total_rows": None,
    "estimated_rows": None,
    "statistics": None,
    "labels": None,
    "hub": None,
    "findings": [],
    "complete": False,
}


def _shown(seen: Look, limits: Limits, more: list[Finding]) -> dict[str, Any]:
    """Return what an answer tells of data that could be read."""
    records = seen.contents.records
    numbered = [(n, record) for n, record in enumerate(records, 1) if not record.blank]
    shown = numbered[: limits.rows]
    usable, findings = _check(seen)
    mapping = _mapping(seen)
    return {
        "format": seen.detected.format,
        "columns": list(seen.contents.columns),
        "mapping": mapping,
        "rows": [clip(record.value or {}, limits.cell_characters) for _, record in shown],
        "lines": [record.line or number for number, record in shown],
        "total_rows": len(records) if seen.complete else None,
        "statistics": {**lengths(records, mapping), **usable},
        "labels": label_counts(records, mapping) if seen.format == "csv_classification" else None,
        "findings": [item.to_dict() for item in [*findings, *more]],
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
    return _recognise(contents, complete, format, columns)


def _recognise(
    contents: Contents, complete: bool, format: str | None, columns: Mapping[str, str] | None
) -> Look:
    detected = detect_columns(contents.columns)
    chosen = format or detected.format
    names = dict(columns or {})
    if not names and chosen == detected.format:
        names = dict(detected.columns)
    return Look(contents, complete, detected, chosen, names)


def _check(seen: Look) -> tuple[dict[str, Any], list[Finding]]:
    """Return how many rows can be used, and everything that is wrong."""
    contents = seen.contents
    if seen.format is None:
        return {"usable": None}, [*contents.findings, _unknown(contents)]
    rows, findings = check_contents(seen.format, seen.columns, [contents], contents.findings)
    if not seen.complete:
        findings = [item for item in findings if item.code not in _NEED_ALL]
    return {"usable": len(rows.usable) if rows is not None else None}, findings


def _unknown(contents: Contents) -> Finding:
    """Return what ``check`` says of rows of no known format."""
    present = listing(contents.columns) or "none"
    values = [record.value for record in contents.records[:_TASTED] if record.value is not None]
    shape = detect_rows(values)[2]
    if shape == "preference":
        return finding("data.preference_data", contents.name, present=present)
    return finding("data.unknown_format", contents.name, shape=shape, present=present)


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
