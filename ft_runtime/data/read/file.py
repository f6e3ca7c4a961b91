"""Reading one source whole: opened and told apart by the doctor, read, hashed, and judged."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from ft_runtime.data.places import listing
from ft_runtime.data.read import limits
from ft_runtime.data.read.contents import Contents, Record, columns_of
from ft_runtime.data.read.jsonl import read_jsonl
from ft_runtime.doctor import kernels
from ft_runtime.doctor.containers import Plain, plain
from ft_runtime.doctor.csv.rows import Row, read_rows
from ft_runtime.doctor.finish import KINDS, UNREADABLE, unreadable_code
from ft_runtime.doctor.head import Detection, detect_open
from ft_runtime.doctor.opening import State, opened, read_at
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Log, told
from ft_runtime.doctor.secrets.find import marker
from ft_runtime.findings import Finding, finding, raise_for_errors
from ft_runtime.garbage import at_rest
from ft_runtime.printing import printable_path

_OPEN = {"unbalanced_quote", "inside_quote"}


def read_file(
    path: str | os.PathLike[str], name: str | None = None, *, where: str = "dataset.path"
) -> Contents:
    """Read a data file.

    Parameters
    ----------
    path : str or PathLike
        JSON Lines, a JSON array, CSV, TSV, Parquet or Arrow, packed with gzip or zstd or not.
    name : str, optional
        What findings and rows call the file; by default its own name.
    where : str
        The config field that names the file.

    Returns
    -------
    Contents
        With one record for every row, readable or not. Empty lines after the last row are no rows.

    Raises
    ------
    FindingsError
        When the file as a whole cannot serve: missing, of another kind, empty, mostly unreadable.
    """
    return read_source(path, name, where=where)[0]


def read_head(
    path: str | os.PathLike[str], size: int, name: str | None = None
) -> tuple[Contents, bool]:
    """Read a data file as far as `size` bytes of its rows go.

    Parameters
    ----------
    path : str or PathLike
        As in `read_file`.
    size : int
        In bytes, unpacked. A file that is not larger is read whole.
    name : str, optional
        What findings and rows call the file; by default its own name.

    Returns
    -------
    contents : Contents
        The whole rows among the first bytes. ``bytes`` is the size of the file; ``sha256`` is empty
        unless the file was read whole.
    complete : bool
        Whether the file was read whole.

    Raises
    ------
    FindingsError
        As `read_file`; and ``data.line_too_long`` when not even the first row ends in `size` bytes.
    """
    return read_source(path, name, most=size)


def read_source(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    where: str = "dataset.path",
    most: int | None = None,
) -> tuple[Contents, bool]:
    """Read a file, or its first `most` bytes; see `read_file` and `read_head`."""
    path = os.fspath(path)
    name = printable_path(name or os.path.basename(path) or path)  # noqa: PTH119
    with opened(path, where) as handle:
        before = State.of(handle)
    with plain(path, name=name, where=where, tables=False, most=most) as source:
        contents = read_plain(source)
    contents.path = os.path.abspath(path)  # noqa: PTH100 (a resolved link is not what was typed)
    with opened(path, where) as handle:
        if State.of(handle) != before:
            contents.findings.insert(0, finding("data.file_changed", name))
    raise_for_errors(contents.findings)
    if not source.complete:
        contents.sha256 = ""
    return contents, source.complete


@at_rest()
def read_plain(source: Plain) -> Contents:
    """Read what the doctor made plain text of.

    Returns
    -------
    Contents
        An error among its findings means that the whole cannot serve.

    Raises
    ------
    FindingsError
        There is nothing in it that could be read as rows.
    """
    name = source.source
    digest = hashlib.sha256()
    with opened(source.path) as handle:
        state = State.of(handle)
        found = detect_open(handle, state.size, source.path, name=name)
        columns = found.dialect.column_findings if found.dialect else []
        raise_for_errors(item for item in found.findings if item not in columns)
        digest.update(read_at(handle, found.begin, 0))
        records, part = _rows(handle, state.size, found, digest)
        changed = State.of(handle) != state or part.changed
    if source.temporary and (source.numbers is not None or source.rows_only):
        records = [_numbered(record, source) for record in records]
    if not source.complete:
        records = _without_stump(records)
    records, blank = _without_tail(records)
    findings = [item for item in found.findings if item not in columns]
    if changed:
        findings.insert(0, finding("data.file_changed", name))
    if not records:
        findings.append(finding(f"data.{'header_only' if found.dialect else 'blank_file'}", name))
    findings += judge(records, name, found.container)
    ends = len(records) + blank if found.dialect else part.lines
    if 0 < part.crlf < ends - 1 and source.numbers is None:
        values = {"crlf": part.crlf, "lines": ends}
        findings.append(finding("data.mixed_line_ends", name, **values))
    if blank:
        findings.append(finding("data.trailing_blank_lines", name, count=blank))
    kind = source.container.rpartition(" ")[2]
    kind = kind if kind in ("json", "parquet", "arrow", "dataset") else found.container
    return Contents(
        name,
        str(source.path),
        "csv" if found.dialect else kind,
        records,
        columns_of(records),
        sha256=source.sha256 or digest.hexdigest(),
        bytes=source.bytes,
        findings=findings,
        marks=_marks(part.marks, source),
        text=source.container in ("", "json"),
    )


def _rows(handle: int, size: int, found: Detection, digest: Any) -> tuple[list[Record], Part]:
    mark = marker(True, False, True, kernels.wanted(size))
    if found.dialect is not None:
        records: list[Record] = []

        def put(row: Row) -> None:
            line, value, problems = row
            blank = value is None and problems[0].code == "blank_line"
            records.append(Record(line, value, problems, blank, whole=True))

        limit, feed = limits.LINE_BYTES, digest.update
        part = read_rows(handle, size, found.dialect, put, limit=limit, marker=mark, feed=feed)
        return records, part
    part = Part()
    with open(handle, "rb", buffering=1 << 18, closefd=False) as stream:
        stream.seek(found.begin)
        return list(read_jsonl(stream, part, mark, digest.update)), part


def _numbered(record: Record, source: Plain) -> Record:
    """Return a record with its line in the source; 0 where the source has no lines."""
    line = 0 if source.rows_only else source.number(record.line)
    return Record(line, record.value, record.problems, record.blank, record.whole, record.risky)


def _marks(marks: Log, source: Plain) -> Log:
    for kept in marks.kept.values():
        kept[:] = [(source.number(line), problem) for line, problem in kept]
    return marks


def _without_stump(records: list[Record]) -> list[Record]:
    """Leave out a CSV row that the border cuts: its last cell is open."""
    end = len(records)
    while end and any(problem.code in _OPEN for problem in records[end - 1].problems):
        end -= 1
    return records[:end]


def _without_tail(records: list[Record]) -> tuple[list[Record], int]:
    """Drop the empty lines at the end, which are no rows, and return how many they were."""
    end = len(records)
    while end and records[end - 1].blank:
        end -= 1
    return records[:end], len(records) - end


def judge(records: list[Record], name: str, kind: str) -> list[Finding]:
    """Refuse a file of which most of the first rows cannot be read: it is something else."""
    first = [record for record in records[: limits.JUDGED_ROWS] if not record.blank]
    bad = [record for record in first if any(p.code in UNREADABLE for p in record.problems)]
    if 2 * len(bad) <= len(first):
        return []
    lines = listing((str(record.line) for record in bad), 5)
    values = {"bad": len(bad), "seen": len(first), "kind": KINDS.get(kind, kind), "lines": lines}
    undecoded = sum(any(p.code == "not_utf8" for p in record.problems) for record in bad)
    return [
        finding(unreadable_code(len(bad), undecoded), name, **values),
        *(told(record.problems[0], f"{name}:{record.line}") for record in bad[:3]),
    ]
