"""A table as rows of cells, split where the scan splits it: for whoever wants the cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.csv.dialect import Dialect, unquoted
from ft_runtime.doctor.csv.scan import SPACE, scan_records
from ft_runtime.doctor.csv.table import Table
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem

if TYPE_CHECKING:
    from ft_runtime.doctor.csv.split import Records
    from ft_runtime.doctor.jsonl.scan import Marker

_BLOCK = 1 << 21
Row = tuple[int, dict[str, str] | None, tuple[Problem, ...]]
"""Line, cells by column (None when the row is broken as such), and what is wrong."""


def read_rows(
    handle: int,
    size: int,
    dialect: Dialect,
    put: Callable[[Row], None],
    *,
    limit: int,
    marker: Marker | None = None,
    feed: Callable[[Any], None] | None = None,
) -> Part:
    """Read every record behind the header. Cells are texts: no number, no "NA" is guessed.

    Parameters
    ----------
    handle : int
        An open file.
    size : int
        Its size.
    dialect : Dialect
    put : callable
        Gets each row.
    limit, marker, feed
        See `ft_runtime.doctor.jsonl.scan`.

    Returns
    -------
    Part
        Lines of the whole file, and what the marker found.
    """
    header = tuple(dialect.header)
    table = Table(ord(dialect.delimiter), len(header), 0, 0, (header[0], header[0]), header)

    def take(block: bytes, found: Records, table: Table, part: Part) -> None:
        part.crlf += int(found.returns.sum())
        part.rows += found.starts.size
        for row in _rows(block, found, table, dialect.lines + part.lines + 1):
            put(row)

    whole = Part(dialect.begin, dialect.begin)
    whole.lines = dialect.lines
    whole.extend(
        scan_records(
            handle, dialect.begin, size, size, table,
            block=_BLOCK, limit=limit, marker=marker, feed=feed, take=take,
        )
    )  # fmt: skip
    return whole


def _rows(block: bytes, found: Records, table: Table, base: int) -> Iterator[Row]:
    first, faults = 0, iter(found.faults)
    separators = found.separators.tolist()
    for start, end, count, place in zip(
        found.starts.tolist(),
        found.ends.tolist(),
        found.cells.tolist(),
        found.lines.tolist(),
        strict=True,
    ):
        line = base + place
        if count == 0:
            yield line, None, (next(faults)[1],)
            continue
        raw = block[start:end]
        if count == 1 and not raw.strip(SPACE):
            yield line, None, (Problem("blank_line"),)
        elif count != table.width:
            values = {"got": count, "expected": table.width}
            yield line, None, (Problem("ragged_row", values=values),)
        elif b"\0" in raw:
            yield line, None, (Problem("nul_bytes"),)
        elif b'"' not in raw and (value := _bare_cells(raw, table)) is not None:
            yield line, value, ()
        else:
            bounds = [start - 1, *separators[first : first + count - 1], end]
            yield (line, *_cells(block, bounds, table.header))
        first += count


def _bare_cells(raw: bytes, table: Table) -> dict[str, str] | None:
    """Return the cells of a record without quotes; None where it is not UTF-8."""
    try:
        cells = raw.decode("utf-8").split(chr(table.delimiter))
    except UnicodeDecodeError:
        return None
    return dict(zip(table.header, cells, strict=True))


def _cells(
    block: bytes, bounds: list[int], header: tuple[str, ...]
) -> tuple[dict[str, str], tuple[Problem, ...]]:
    value: dict[str, str] = {}
    problems: list[Problem] = []
    for i, name in enumerate(header):
        cell = unquoted(block[bounds[i] + 1 : bounds[i + 1]])
        try:
            value[name] = cell.decode("utf-8")
        except UnicodeDecodeError as error:
            problems.append(Problem("not_utf8", name, {"byte": f"0x{cell[error.start]:02x}"}))
            value[name] = cell.decode("utf-8", "replace")
    return value, tuple(problems)
