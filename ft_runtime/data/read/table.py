"""CSV and TSV as records: split into cells by the doctor's own splitter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ft_runtime.data.read import limits
from ft_runtime.data.read.contents import Record
from ft_runtime.doctor.csv.dialect import Dialect
from ft_runtime.doctor.csv.scan import SPACE, scan_records
from ft_runtime.doctor.csv.split import Records
from ft_runtime.doctor.csv.table import Table
from ft_runtime.doctor.jsonl.scan import Marker
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem

BLOCK = 1 << 21


def read_table(
    handle: int,
    size: int,
    dialect: Dialect,
    marker: Marker | None = None,
    feed: Callable[[Any], None] | None = None,
) -> tuple[list[Record], Part]:
    """Read every record behind the header. Cells are texts: no number, no "NA" is guessed.

    Parameters
    ----------
    handle : int
        An open file.
    size : int
        Its size.
    dialect : Dialect
    marker, feed : callable, optional
        See `ft_runtime.doctor.jsonl.scan`.

    Returns
    -------
    records : list of Record
        With physical lines.
    part : Part
        Lines of the whole file, and what the marker found.
    """
    header = tuple(dialect.header)
    table = Table(ord(dialect.delimiter), len(header), 0, 0, (header[0], header[0]), header)
    records: list[Record] = []

    def take(block: bytes, found: Records, table: Table, part: Part) -> None:
        records.extend(_records(block, found, table, dialect.lines + part.lines + 1))

    whole = Part(dialect.begin, dialect.begin)
    whole.lines = dialect.lines
    whole.extend(
        scan_records(
            handle, dialect.begin, size, size, table,
            block=BLOCK, limit=limits.LINE_BYTES, marker=marker, feed=feed, take=take,
        )
    )  # fmt: skip
    return records, whole


def _records(block: bytes, found: Records, table: Table, base: int) -> list[Record]:
    made = []
    first, faults = 0, iter(found.faults)
    for start, end, count, line in zip(
        found.starts.tolist(),
        found.ends.tolist(),
        found.cells.tolist(),
        found.lines.tolist(),
        strict=True,
    ):
        if count == 0:
            made.append(Record(base + line, None, (next(faults)[1],)))
            continue
        raw = block[start:end]
        if count == 1 and not raw.strip(SPACE):
            made.append(Record(base + line, None, (Problem("blank_line"),), blank=True))
        elif count != table.width:
            values = {"got": count, "expected": table.width}
            made.append(Record(base + line, None, (Problem("ragged_row", values=values),)))
        elif b"\0" in raw:
            made.append(Record(base + line, None, (Problem("nul_bytes"),)))
        else:
            bounds = [start - 1, *found.separators[first : first + count - 1].tolist(), end]
            made.append(_record(block, bounds, table.header, base + line))
        first += count
    return made


def _record(block: bytes, bounds: list[int], header: tuple[str, ...], line: int) -> Record:
    value: dict[str, Any] = {}
    problems: list[Problem] = []
    for i, name in enumerate(header):
        cell = block[bounds[i] + 1 : bounds[i + 1]]
        if len(cell) > 1 and cell[0] == 34:
            cell = cell[1:-1].replace(b'""', b'"')
        try:
            value[name] = cell.decode("utf-8")
        except UnicodeDecodeError as error:
            problems.append(Problem("not_utf8", name, {"byte": f"0x{cell[error.start]:02x}"}))
            value[name] = cell.decode("utf-8", "replace")
    return Record(line, value, tuple(problems), whole=True, risky=False)
