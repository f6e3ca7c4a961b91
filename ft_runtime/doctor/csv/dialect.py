"""Delimiter and header of a CSV file, and what is odd about them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

from ft_runtime.doctor.csv.table import Table
from ft_runtime.doctor.shape import fit, normal
from ft_runtime.doctor.sniff import BOM
from ft_runtime.findings import Finding, finding

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass
class Dialect:
    """The layout of a CSV file, as far as its head shows it.

    Attributes
    ----------
    table : Table or None
        None when the columns needed are not there: see `findings`.
    header : list of str
    delimiter : str
    begin : int
        Where the first record after the header begins.
    lines : int
        Physical lines before that.
    findings : list of Finding
    columns : dict
        Canonical name to name in the file.
    """

    header: list[str]
    delimiter: str
    begin: int
    lines: int
    findings: list[Finding] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    table: Table | None = None


def read_dialect(head: bytes, name: str, columns: dict[str, str] | None = None) -> Dialect:
    """Return delimiter, header and columns from the first bytes of a file."""
    begin = len(BOM) if head.startswith(BOM) else 0
    findings, lines = [], 0
    while (
        head[begin : begin + 1] == b"#"
        or head[begin : begin + 2] in (b"\r\n",)
        or (head[begin : begin + 1] == b"\n")
    ):
        after = head.find(b"\n", begin) + 1 or len(head)
        if head[begin : begin + 1] == b"#":
            findings.append(finding("doctor.csv_comment", f"{name}:{lines + 1}"))
        begin, lines = after, lines + 1
    after = head.find(b"\n", begin) + 1 or len(head)
    while head.count(b'"', begin, after) & 1 and after < len(head):
        after = head.find(b"\n", after) + 1 or len(head)
    first = head[begin:after].decode("utf-8", "replace").rstrip("\r\n")
    delimiter = _delimiter(first, columns)
    try:
        header = next(csv.reader(io.StringIO(first, newline=""), delimiter=delimiter), [])
    except csv.Error:
        header = first.split(delimiter)
    lines += head.count(b"\n", begin, after)
    dialect = Dialect(header, delimiter, after, lines, findings)
    if delimiter != "," and not (delimiter == "\t" and name.lower().endswith(".tsv")):
        findings.append(finding("doctor.csv_delimiter", name, delimiter=DELIMITERS[delimiter]))
    _columns(dialect, f"{name}:{max(lines, 1)}", columns or {})
    return dialect


def _delimiter(header: str, columns: dict[str, str] | None) -> str:
    wanted = {normal(c) for c in (columns or {}).values()} | {"text", "label"}
    return max(
        DELIMITERS,
        key=lambda sign: (
            len(wanted & {normal(cell) for cell in header.split(sign)}),
            header.count(sign),
            sign == ",",
        ),
    )


def _columns(dialect: Dialect, where: str, columns: dict[str, str]) -> None:
    header, add = dialect.header, dialect.findings.append
    repeated = sorted({cell for cell in header if header.count(cell) > 1 and cell})
    if repeated:
        add(finding("doctor.duplicate_column", where, names=", ".join(repeated)))
    found: dict[str, str] = {}
    near = fit("csv_classification", header)
    for column in ("text", "label"):
        actual = columns.get(column, column)
        if actual in header:
            found[column] = actual
        elif near and column not in columns:
            found[column] = near[column]
    dialect.columns = found
    if len(found) < 2:
        missing = ", ".join(columns.get(c, c) for c in ("text", "label") if c not in found)
        present = ", ".join(cell.strip()[:30] for cell in header[:12]) or "nothing"
        add(finding("doctor.missing_columns", where, missing=missing, present=present))
        return
    for column, actual in found.items():
        if actual != column and actual != columns.get(column):
            code = "doctor.header_spelling" if normal(actual) == column else "doctor.header_name"
            add(finding(code, where, got=repr(actual), expected=column))
    dialect.table = Table(
        ord(dialect.delimiter),
        len(header),
        header.index(found["text"]),
        header.index(found["label"]),
        (found["text"], found["label"]),
    )
