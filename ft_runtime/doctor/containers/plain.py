"""`plain`: whatever holds the rows, as a file of text lines with the rows' own numbers.

A text file is used where it lies. A compressed one is unpacked, and a JSON array, Parquet, Arrow
or a dataset in memory is written out, into a temporary file a row at a time: memory stays flat,
and the rows meet the very same checks whatever they came in.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.containers import array, columnar, table, unpack
from ft_runtime.doctor.containers.kinds import HEAD, kind_of, packed
from ft_runtime.doctor.opening import opened, read_at, show
from ft_runtime.doctor.problems import Problem
from ft_runtime.files import sha256_file
from ft_runtime.findings import FindingsError, finding
from ft_runtime.printing import reason_of

if TYPE_CHECKING:
    from array import array as Numbers  # noqa: N812


@dataclass
class Plain:
    """A text file that the checks can read.

    Attributes
    ----------
    path : Path
        A temporary file is gone when the context ends.
    source : str
        What findings call it: the path as it was given.
    container : str
        What the rows came in, where that is not plain text: ``json``, ``parquet``, ``arrow`` or
        ``dataset``, with ``gzip`` or ``zstd`` before it; else empty.
    numbers : array of int or None
        The physical line of each row of a JSON array; None where the lines of `path` are those of
        the source, or are row numbers.
    rows_only : bool
        The source has no lines: numbers are row numbers.
    sha256 : str
        Of the source, where it is not `path` itself; of the rows for a dataset in memory.
    bytes : int
        Of the source.
    complete : bool
        Whether all rows are in it; see `most` of `plain`.
    problems : list of (int, Problem)
        Line and fault of records that could not be written out; `path` has a stand-in for each.
    """

    path: Path
    source: str
    container: str = ""
    numbers: Numbers[int] | None = None
    rows_only: bool = False
    sha256: str = ""
    bytes: int = 0
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    complete: bool = True

    @property
    def rewritten(self) -> bool:
        """Whether `path` holds the rows written anew, as JSON Lines."""
        return self.numbers is not None or self.rows_only

    @property
    def temporary(self) -> bool:
        """Whether `path` is a copy."""
        return bool(self.container) or not self.complete

    def number(self, line: int) -> int:
        """Return the number in the source of a line of `path`."""
        if self.numbers is None:
            return line
        return self.numbers[line - 1] if 0 < line <= len(self.numbers) else 0

    def place(self, line: int) -> str:
        """Return ``source:line``, or ``source row n`` where the source has no lines."""
        number = self.number(line)
        return f"{self.source} row {number}" if self.rows_only else f"{self.source}:{number}"


@contextmanager
def plain(
    source: Any,
    format: str | None = None,
    *,
    name: str | None = None,
    where: str | None = None,
    tables: bool = True,
    most: int | None = None,
) -> Iterator[Plain]:
    """Open a source for the checks.

    Parameters
    ----------
    source : str, Path or datasets.Dataset
    format : str, optional
        Of the rows, when it is known: a table is read in another way for some.
    name, where : str, optional
        What findings call the source, and the place of those on its path; by default its path.
    tables : bool
        Whether a table of anything but text and label becomes JSON Lines.
    most : int, optional
        Stop after so many bytes of rows, unpacked.

    Raises
    ------
    FindingsError
        The source cannot be opened, a container is broken, or there is no room to unpack it.
    """
    with ExitStack() as stack:

        @cache
        def folder() -> Path:
            """Make the temporary folder when it is needed: most sources are read as they lie."""
            made = tempfile.TemporaryDirectory(prefix="ft-doctor-")
            return Path(stack.enter_context(made))

        if isinstance(source, (str, os.PathLike)):
            yield _file(Path(source), folder, format, name, where, tables, most)
        else:
            with _room("dataset"):
                target = folder() / "rows.jsonl"
            yield _dataset(source, target)


def _dataset(data: Any, target: Path) -> Plain:
    with _room("dataset"), open(target, "wb") as out:
        columnar.write_dataset(data, out, "dataset")
    size = target.stat().st_size
    return Plain(target, "dataset", "dataset", None, True, sha256_file(target), size)


def _file(
    path: Path,
    folder: Callable[[], Path],
    format: str | None,
    name: str | None,
    where: str | None,
    tables: bool,
    most: int | None,
) -> Plain:
    name, inner = show(str(path)) if name is None else name, path.name
    with opened(os.fspath(path), where) as handle:
        size = os.fstat(handle).st_size
        head = read_at(handle, HEAD, 0)
    squeezed, whole = packed(head), True
    place = path
    if squeezed:
        inner = inner.rpartition(".")[0] or inner
        with _room(name):
            place = folder() / (inner if Path(inner).suffix else f"{inner}.unpacked")
        with _room(name), open(place, "wb") as out:
            whole = unpack.unpack(path, squeezed, out, name, most)
        with open(place, "rb") as stream:
            head = stream.read(HEAD)
        if not whole and kind_of(head, inner) in ("parquet", "arrow"):  # no use without its end
            with _room(name), open(place, "wb") as out:
                whole = unpack.unpack(path, squeezed, out, name)
    kind = kind_of(head, inner)
    if kind == "text" and tables and table.is_answers(place, format):
        kind = "csv"
    if kind == "text" and most is not None and size > most and not squeezed:
        with _room(name):
            place, whole = folder() / inner, False
            _copy_head(path, place, most)
    elif kind == "text" and not squeezed:
        return Plain(path, name, bytes=size)
    sha256 = sha256_file(path) if most is None or whole else ""
    container = " ".join(filter(None, (squeezed, "" if kind == "text" else kind)))
    if kind == "text":
        if not whole:
            _cut_line(place, name, most or 0)
        return Plain(place, name, container, sha256=sha256, bytes=size, complete=whole)
    with _room(name):
        target = folder() / "rows.jsonl"
    made = Plain(target, name, container, None, kind in ("parquet", "arrow"), sha256, size)
    with _room(name), open(target, "wb") as out:
        if kind == "json":
            made.numbers, complete = array.write_lines(place, out, name, most, not whole)
            made.complete = whole and complete
        elif kind == "csv":
            converted = table.write_lines(place, out)
            made.numbers, made.problems = converted.numbers, converted.problems
        else:
            made.complete = columnar.write_file(place, kind, out, name, most)
    if not made.complete:
        made.sha256 = ""
    return made


def _copy_head(path: Path, place: Path, most: int) -> None:
    with opened(path) as handle, open(place, "wb") as out:
        out.write(read_at(handle, most, 0))


def _cut_line(place: Path, name: str, most: int) -> None:
    """Take the last line off, which the border may cut."""
    with open(place, "r+b") as stream:
        data = stream.read()
        end = data.rfind(b"\n") + 1
        if not end:
            raise FindingsError([finding("data.line_too_long", f"{name}:1", limit=most)])
        stream.truncate(end)


@contextmanager
def _room(name: str) -> Iterator[None]:
    """Tell a full disk from a fault of the source."""
    try:
        yield
    except OSError as error:
        reason = reason_of(error)
        raise FindingsError([finding("data.cannot_unpack", name, reason=reason)]) from None
