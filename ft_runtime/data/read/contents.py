"""What a reader returns: records with their lines, before any format looks at them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ft_runtime.doctor.problems import Log, Problem
from ft_runtime.findings import Finding


@dataclass(slots=True)
class Record:
    """One row as it was read.

    Attributes
    ----------
    line : int
        Physical line, from 1, on which it starts; 0 when there are no lines.
    value : dict or None
        Columns and values; None when the row cannot be read.
    problems : tuple of Problem
        What is wrong or odd with how it is written.
    blank : bool
        Whether it is an empty line between rows.
    whole, risky : bool
        As in `ft_runtime.doctor.jsonl.parse.Parsed`.
    """

    line: int
    value: dict[str, Any] | None
    problems: tuple[Problem, ...] = ()
    blank: bool = False
    whole: bool = False
    risky: bool = True


@dataclass
class Contents:
    """All records of one file or hub split.

    Attributes
    ----------
    name, path, sha256, bytes, revision
        As in `ft_runtime.data.rows.Source`.
    kind : {"jsonl", "json", "csv", "parquet", "arrow", "dataset", "hub"}
    records : list of Record
    columns : dict
        Every column in order of appearance, with its first value that is not null.
    findings : list of Finding
        Warnings and notes about the file.
    split : str or None
        When the data came split.
    text : bool
        Whether its size tells how many rows it has: it is not packed, and no table in binary form.
    marks : Log
        Secrets, personal data and other things found in the text, by line; by row number where
        there are no lines.
    """

    name: str
    path: str
    kind: str
    records: list[Record]
    columns: dict[str, Any]
    sha256: str = ""
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)
    revision: str | None = None
    split: str | None = None
    marks: Log = field(default_factory=Log)
    text: bool = True


def columns_of(records: Iterable[Record]) -> dict[str, Any]:
    """Return every column of the readable records with its first value that is not null."""
    columns: dict[str, Any] = {}
    known: set[str] = set()
    for record in records:
        if record.value is None or record.value.keys() <= known:
            continue
        for name, value in record.value.items():
            if columns.get(name) is None:
                columns[name] = value
                if value is not None:
                    known.add(name)
    return columns
