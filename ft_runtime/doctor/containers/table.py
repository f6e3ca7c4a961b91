"""A table of prompts and answers as JSON Lines, with the line on which each record starts.

Tables of text and label are scanned as they are. Those of the other formats are rare and small:
they take this longer way, to the same checks.
"""

from __future__ import annotations

import array
import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ft_runtime.doctor.cleaning.records import LONGEST, Piece, numbered, table_records
from ft_runtime.doctor.head import detect
from ft_runtime.doctor.problems import Problem
from ft_runtime.doctor.shape import detect_rows

STAND_IN = b"0\n"
"""Stands for a record that is broken as CSV: no row of a table is a number."""


@dataclass
class Converted:
    """What became of a table.

    Attributes
    ----------
    numbers : array of int
        The line of each record.
    problems : list of (int, Problem)
        Line and fault of the records that are broken as CSV.
    """

    numbers: array.array[int]
    problems: list[tuple[int, Problem]]


def is_answers(path: Path, format: str | None) -> bool:
    """Tell whether a text file is a table of another format than text and label."""
    found = detect(path)
    if found.dialect is None or found.container not in ("csv", "tsv"):
        return False
    if format is not None:
        return format != "csv_classification"
    header = dict.fromkeys(found.dialect.header, "")
    return found.dialect.table is None and detect_rows([header])[0] is not None


def write_lines(path: Path, out: BinaryIO) -> Converted:
    """Write every record as an object of its cells, all of them texts."""
    found = detect(path)
    assert found.dialect is not None
    header, delimiter = found.dialect.header, found.dialect.delimiter
    made = Converted(array.array("Q"), [])
    with open(path, "rb") as stream:
        for line, raw in table_records(numbered(stream)):
            if line <= found.lines:
                continue
            if isinstance(raw, Piece) and not raw.first:
                continue
            cells, problem = _cells(raw, delimiter, len(header))
            made.numbers.append(line)
            if problem is not None:
                made.problems.append((line, problem))
                out.write(STAND_IN)
            else:
                row = dict(zip(header, cells, strict=True))
                out.write(json.dumps(row).encode("ascii") + b"\n")
    return made


def _cells(raw: bytes, delimiter: str, width: int) -> tuple[list[str], Problem | None]:
    if isinstance(raw, Piece):
        return [], Problem("line_too_long", values={"limit": LONGEST})
    if not raw.strip(b" \t\r\n"):
        return [], Problem("blank_line")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = f"0x{raw[error.start]:02x}"
        return [], Problem("not_utf8", f"byte {error.start + 1}", {"byte": byte})
    before = csv.field_size_limit(max(len(text), csv.field_size_limit()))
    try:
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        code = "unbalanced_quote" if text.count('"') % 2 else "stray_quote"
        return [], Problem(code)
    finally:
        csv.field_size_limit(before)
    if len(cells) != width:
        return [], Problem("ragged_row", values={"got": len(cells), "expected": width})
    return cells, None
