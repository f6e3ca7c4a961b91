"""Reading one file whole: opened, told apart, read, hashed, and judged."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

from ft_runtime.data.places import listing, printable
from ft_runtime.data.read import limits
from ft_runtime.data.read.contents import Contents, Record, columns_of
from ft_runtime.data.read.csv_table import read_csv
from ft_runtime.data.read.json_array import read_array
from ft_runtime.data.read.jsonl import read_jsonl
from ft_runtime.data.read.lines import LineReader
from ft_runtime.data.read.opening import open_file
from ft_runtime.data.read.sniff import kind_of, refuse
from ft_runtime.data.tally import Tally
from ft_runtime.findings import Finding, finding, raise_for_errors

# Faults of data that are what they claim to be: they cost rows, and say nothing about the file.
_SLIPS = {"data.duplicate_key", "data.not_finite", "data.inside_quote"}


def read_file(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    where: str = "dataset.path",
    limit: int | None = None,
) -> Contents:
    """Read a data file: JSON Lines, one JSON array, or CSV.

    Parameters
    ----------
    path : str or PathLike
        Relative to the working directory, or absolute.
    name : str, optional
        What findings and rows call the file; by default its own name.
    where : str
        The config field that names the file.
    limit : int, optional
        Read so many records and stop: for a look, without hash and without judgement.

    Returns
    -------
    Contents
        With one record for every row, readable or not. Empty lines after the last row are no rows.

    Raises
    ------
    FindingsError
        When the file as a whole cannot serve: missing, of another kind, empty, mostly unreadable.
    """
    path = os.fspath(path)
    name = printable(name or os.path.basename(path) or path, 200)  # noqa: PTH119
    stream, status = open_file(path, where)
    with closing(stream):
        head = stream.read(limits.HEAD_BYTES)
        stream.seek(0)
        refuse(head, path, name)
        kind = kind_of(head, path, name)
        return _read(stream, status, path, name, kind, limit)


def _read(
    stream: BinaryIO, status: os.stat_result, path: str, name: str, kind: str, limit: int | None
) -> Contents:
    lines = LineReader(stream, status, name)
    tally = Tally()
    source = _source(kind, lines, name, tally)
    if limit is not None:
        records = list(itertools.islice(source, limit))
        return Contents(name, path, kind, records, columns_of(records))
    records = list(source)
    found = lines.changed()
    records, blank = _without_tail(records)
    if not records:
        found.append(finding("data.header_only" if kind == "csv" else "data.blank_file", name))
    found += _judge(records, name, kind)
    raise_for_errors(found)
    if lines.marked:
        found.append(finding("data.byte_order_mark", name))
    if kind == "jsonl" and lines.mixed_ends:
        found.append(finding("data.mixed_line_ends", name))
    if blank:
        found.append(finding("data.trailing_blank_lines", name, count=blank))
    return Contents(
        name,
        os.path.abspath(path),  # noqa: PTH100 (resolving links would change what the user typed)
        kind,
        records,
        columns_of(records),
        sha256=lines.sha256,
        bytes=lines.bytes,
        findings=found + tally.findings(),
    )


def _source(kind: str, lines: LineReader, name: str, tally: Tally) -> Iterator[Record]:
    if kind == "csv":
        return read_csv(lines, name)
    return (read_array if kind == "json" else read_jsonl)(lines, name, tally)


def _without_tail(records: list[Record]) -> tuple[list[Record], int]:
    """Drop the empty lines at the end, which are no rows, and return how many they were."""
    end = len(records)
    while end and records[end - 1].blank:
        end -= 1
    return records[:end], len(records) - end


def _judge(records: list[Record], name: str, kind: str) -> list[Finding]:
    """Refuse a file of which most of the first rows cannot be read: it is something else."""
    first = [record for record in records[: limits.JUDGED_ROWS] if not record.blank]
    bad = [record for record in first if any(p.code not in _SLIPS for p in record.problems)]
    if 2 * len(bad) <= len(first):
        return []
    kinds = {"jsonl": "JSON Lines", "json": "JSON", "csv": "CSV"}
    lines = listing((str(record.line) for record in bad), 5)
    whole = finding(
        "data.mostly_unreadable", name, bad=len(bad), seen=len(first), kind=kinds[kind], lines=lines
    )
    return [whole, *(record.problems[0] for record in bad[:3])]
