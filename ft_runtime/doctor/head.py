"""What a file is and holds, from its head alone: refusal, container, format, columns, preview."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ft_runtime.doctor.csv.dialect import Dialect, read_dialect
from ft_runtime.doctor.opening import opened, read_at, show
from ft_runtime.doctor.result import PREVIEW
from ft_runtime.doctor.shape import detect_rows, rows_of
from ft_runtime.doctor.sniff import BOM, recognise, refusal
from ft_runtime.findings import Finding, errors, finding

HEAD = 1 << 16
_MORE = 1 << 22


@dataclass
class Detection:
    """What the head of a file shows.

    Attributes
    ----------
    container : {"jsonl", "csv", "tsv", "json", ""}
        ``json`` is an array, or objects spread over lines.
    format : str or None
        Detected, a format of the config.
    shape : str
        ``chat``, ``sharegpt``, ``instruction``, ``prompt``, ``classification``, ``preference``,
        ``text`` or ``unknown``.
    columns : dict
        Canonical name to name in the file, where they differ.
    begin, lines : int
        Where the first row begins (behind BOM or header), and the physical lines before it.
    dialect : Dialect or None
        Of a CSV.
    findings : list of Finding
        An error among them means that the file is refused.
    preview : list of dict
        ``{"line", "text"}`` of the first rows.
    present : list of str
        The columns of the first rows, or of the header.
    sample : dict
        Of JSON Lines: the same with their first values that are not null.
    """

    path: str
    container: str = ""
    format: str | None = None
    shape: str = "unknown"
    columns: dict[str, str] = field(default_factory=dict)
    begin: int = 0
    lines: int = 0
    size: int = 0
    dialect: Dialect | None = None
    findings: list[Finding] = field(default_factory=list)
    preview: list[dict[str, Any]] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    sample: dict[str, Any] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether the file cannot be read as rows."""
        return bool(errors(self.findings)) and not (self.dialect and self.dialect.table)


def detect(path: str | Path, columns: dict[str, str] | None = None) -> Detection:
    """Return what a file is, from its first bytes; takes a few milliseconds.

    Parameters
    ----------
    path : str or Path
        A regular file.
    columns : dict, optional
        Canonical name to name in the file, as in ``dataset.columns``.

    Raises
    ------
    FindingsError
        The file cannot be opened.
    """
    import os

    with opened(path) as handle:
        size = os.fstat(handle).st_size
        return detect_open(handle, size, path, columns)


def detect_open(
    handle: int,
    size: int,
    path: str | Path,
    columns: dict[str, str] | None = None,
    name: str | None = None,
) -> Detection:
    """Do as `detect` does, for a file that is open.

    Parameters
    ----------
    name : str, optional
        What findings call the file; its path by default.
    """
    name = show(str(path)) if name is None else name
    head = read_at(handle, HEAD, 0)
    if head.count(b"\n") < 2 and size > len(head):
        head = read_at(handle, _MORE, 0)
    found = Detection(name, size=size)
    if refused := refusal(head, size, name, path):
        found.findings.append(refused)
        return found
    found.container, problem = recognise(head, path, name)
    if head.startswith(BOM):
        found.begin = len(BOM)
        found.findings.append(finding("data.byte_order_mark", name))
    if problem is None and found.container == "json":  # `containers` makes lines of it before
        problem = finding("data.array_in_jsonl", name)
    if problem is not None:
        found.findings.append(problem)
    if found.container == "jsonl":
        _json_rows(head, size, found)
    elif found.container == "csv" and problem is None:
        _table(head, size, found, columns, Path(path).suffix.lower() == ".tsv")
    return found


def first_columns(path: str | Path) -> dict[str, Any]:
    """Return the columns of the first rows of a file, each with its first value that is not null.

    Raises
    ------
    FindingsError
        When the file cannot be read as rows.
    """
    from ft_runtime.data.read import read_head

    return read_head(path, HEAD)[0].columns


def _json_rows(head: bytes, size: int, found: Detection) -> None:
    lines = head[found.begin :].split(b"\n")
    if len(head) < size and len(lines) > 1:
        lines.pop()  # cut off by the end of the head
    elif lines and not lines[-1]:
        lines.pop()
    lines = lines[: 5 * PREVIEW]
    rows = rows_of(line for line in lines[:PREVIEW] if len(line) < _MORE)
    found.format, found.columns, found.shape = detect_rows(rows)
    for row in rows:
        for key, value in row.items():
            if found.sample.get(key) is None:
                found.sample[key] = value
    found.present = list(found.sample)[:30]
    found.preview = [
        {"line": number, "text": line.decode("utf-8", "replace")[:2000]}
        for number, line in enumerate(lines[:PREVIEW], 1)
    ]


def _table(
    head: bytes, size: int, found: Detection, columns: dict[str, str] | None, tabs: bool
) -> None:
    dialect = read_dialect(head, found.path, columns, tabs)
    found.dialect, found.begin, found.lines = dialect, dialect.begin, dialect.lines
    found.container = "tsv" if dialect.delimiter == "\t" else "csv"
    found.findings += dialect.findings + dialect.column_findings
    found.present = dialect.header
    found.shape = "classification" if dialect.table else "unknown"
    found.format = "csv_classification" if dialect.table else None
    found.columns = {k: v for k, v in dialect.columns.items() if k != v}
    if dialect.header and not head[dialect.begin :].strip() and len(head) >= size:
        found.findings.append(finding("data.header_only", found.path))
        dialect.table = None
    text = head[dialect.begin :].decode("utf-8", "replace")
    for i, line in enumerate(text.split("\n")[:PREVIEW]):
        if line:
            found.preview.append({"line": dialect.lines + i + 1, "text": line[:2000]})
