"""A table of prompts and answers as JSON Lines, with the line on which each record starts.

Tables of text and label are scanned as they are. Those of the other formats are rare and small:
they take this longer way, to the same checks.
"""

from __future__ import annotations

import array
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ft_runtime.doctor.csv.rows import Row, read_rows
from ft_runtime.doctor.head import detect, detect_open
from ft_runtime.doctor.opening import opened
from ft_runtime.doctor.problems import Problem
from ft_runtime.doctor.shape import detect_rows
from ft_runtime.findings import errors

LIMIT = 64 << 20
"""Longest record, as in `ft_runtime.doctor.scan`."""
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
    if found.dialect is None or errors(found.dialect.findings):
        return False
    if any(item.code == "data.header_only" for item in found.findings):
        return False
    if format is not None:
        return format != "csv_classification"
    header = dict.fromkeys(found.dialect.header, "")
    return found.dialect.table is None and detect_rows([header])[0] is not None


def write_lines(path: Path, out: BinaryIO) -> Converted:
    """Write every record as an object of its cells, all of them texts."""
    made = Converted(array.array("Q"), [])

    def put(row: Row) -> None:
        line, value, problems = row
        made.numbers.append(line)
        if value is None and problems[0].code == "blank_line":  # told by the scan
            out.write(b"\n")
            return
        made.problems += [(line, problem) for problem in problems]
        out.write(STAND_IN if problems else json.dumps(value).encode("ascii") + b"\n")

    with opened(path) as handle:
        size = os.fstat(handle).st_size
        found = detect_open(handle, size, path)
        assert found.dialect is not None
        read_rows(handle, size, found.dialect, put, limit=LIMIT)
    return made
