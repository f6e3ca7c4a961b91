"""The findings as CSV, one a line."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from ft_runtime.doctor.report.report import Report
from ft_runtime.files import write_text_atomic
from ft_runtime.findings import FindingsError, finding
from ft_runtime.printing import reason_of

COLUMNS = ("severity", "code", "source", "line", "where", "rows", "message", "hint")


def write_csv(report: Report, path: str | Path) -> Path:
    """Write every kind, then every finding on a row that was kept (the first 200 of each kind).

    The first lines are the kinds, with how many rows have them; ``line`` is empty there. A cell
    that a spreadsheet would take for a formula gets an apostrophe.

    Raises
    ------
    FindingsError
        ``doctor_report.cannot_write``; an old file stays as it was.
    """
    stream = io.StringIO(newline="")
    write = csv.writer(stream)
    write.writerow(COLUMNS)
    for each in report.groups:
        row: tuple[Any, ...] = (each.severity, each.code, "", "", each.where, each.rows or "")
        write.writerow([*map(_safe, row), _safe(each.message), _safe(each.hint)])
    for source, _, line, item in report.rows:
        row = (item.severity, item.code, source, line, item.where, "")
        write.writerow([*map(_safe, row), _safe(item.message), _safe(item.hint)])
    return write_file(path, stream.getvalue())


def write_file(path: str | Path, content: str) -> Path:
    """Write a report; a full disk or a missing permission is a finding."""
    try:
        return write_text_atomic(path, content)
    except (OSError, ValueError) as error:  # the latter: a name that no file can have
        reason = reason_of(error)
        raise FindingsError(
            [finding("doctor_report.cannot_write", str(path), reason=reason)]
        ) from None


def _safe(value: object) -> object:
    if not isinstance(value, str):
        return value
    value = value.encode("utf-8", "backslashreplace").decode()
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
