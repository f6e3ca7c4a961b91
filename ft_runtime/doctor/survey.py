"""`survey`: the scan of whatever holds the rows, with the numbers of the rows kept for later rooms.

The scan engine reads text files; `containers` makes text of everything else. What is found is told
with the names and numbers of the source, never with those of a temporary file.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor import pool as pools
from ft_runtime.doctor.across import compare_splits, judge_classes
from ft_runtime.doctor.containers import Plain, plain
from ft_runtime.doctor.engine import CHECKS, Options, known_checks, scan_file, size_of
from ft_runtime.doctor.finish import line_of, note_duplicates
from ft_runtime.doctor.members import members_of
from ft_runtime.doctor.numbers import Numbers
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import Problem, is_error, told
from ft_runtime.doctor.result import FileScan
from ft_runtime.doctor.splits.sides import Members
from ft_runtime.findings import Finding, FindingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BETWEEN = ("data.files_share_rows", "data.files_share_prompts", "data.one_class")


@dataclass
class Surveyed:
    """One source that was scanned.

    Attributes
    ----------
    plain : Plain
    scan : FileScan
    part : Part
        The numbers of its rows.
    """

    plain: Plain
    scan: FileScan
    part: Part

    @property
    def content(self) -> NDArray[Any]:
        """Number of each fine row."""
        return self.part.content.array

    @property
    def prompt(self) -> NDArray[Any]:
        """Number of what each fine row asks."""
        return self.part.prompt.array

    def lines(self) -> NDArray[Any]:
        """Return the number of each row in the source: its physical line, or its row number."""
        import numpy as np

        if len(self.part.row_lines):
            return self.part.row_lines.array
        first = line_of(self.scan, self.part, 0) if self.scan.rows else 1
        return np.arange(first, first + self.part.rows, dtype=np.uint32)

    def fine_lines(self, *, copy: bool = False) -> NDArray[Any]:
        """Return the number of each fine row in the source, or its line in the plain copy."""
        at = self.part.fit()
        return at + 1 if copy else self.lines()[at]

    def records(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """Join the physical lines of a table to its records, where the scan has parted them."""
        from ft_runtime.doctor.cleaning.records import records_at

        return records_at(lines, self.lines().tolist(), self.scan.lines - self.part.tail)

    def row_findings(self, limit: int | None = None) -> Iterator[tuple[str, int, Finding]]:
        """Yield (code, line, finding) of the problems that were kept, by code."""
        for log in (self.scan.log, self.scan.marks):
            for code in sorted(log.kept, key=lambda code: (not is_error(code), code)):
                for line, problem in log.kept[code][:limit]:
                    yield f"data.{code}", line, self._finding(line, problem)

    def _finding(self, line: int, problem: Problem) -> Finding:
        place = f"{self.scan.path}:{line}"
        if self.plain.rows_only:
            place = f"{self.scan.path} row {line}"
        return told(problem, place)


@dataclass
class Survey:
    """All sources of a dataset, scanned.

    Attributes
    ----------
    files : list of Surveyed
    findings : list of Finding
        Across files, and of sources that could not be opened.
    seconds : float
    near : ndarray of int or None
        For each fine row the first row that says nearly the same; see `alike`.
    """

    files: list[Surveyed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    near: NDArray[Any] | None = None

    @property
    def format(self) -> str | None:
        """The format of the files, where they agree."""
        found = {each.scan.format for each in self.files}
        return found.pop() if len(found) == 1 else None

    @property
    def sound(self) -> bool:
        """Whether all of the data was read as rows, and stayed as it was meanwhile."""
        whole = all(each.scan.valid and not each.scan.refused for each in self.files)
        unopened = any(item.code not in _BETWEEN for item in self.findings)
        return bool(self.files) and whole and not unopened

    def members(self) -> Members:
        """Return the fine rows of all files, as a split needs to know them."""
        return members_of(self.files, self.format == "csv_classification", self.near)


@contextmanager
def survey(
    sources: Any,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    checks: Iterable[str] = CHECKS,
    workers: int | None = None,
) -> Iterator[Survey]:
    """Scan a dataset; unpacked copies live as long as the context.

    Parameters
    ----------
    sources : path, dataset, list of them, or mapping of split to one of them
        A ``datasets.DatasetDict`` is a mapping of splits.
    format, columns, checks, workers
        See `ft_runtime.doctor.scan`.

    Yields
    ------
    Survey
        Bad input never raises.

    Raises
    ------
    ValueError
        There is no such check.
    """
    from contextlib import ExitStack

    begun = time.perf_counter()
    known_checks(checks := frozenset(checks))
    options = Options(format, dict(columns or {}), checks, workers)
    result = Survey()
    with ExitStack() as stack:
        opened: list[tuple[str, Plain]] = []
        for split, source in named(sources):
            try:
                opened.append((split, stack.enter_context(plain(source, format))))
            except FindingsError as error:
                result.findings += error.findings
        sizes = [size_of(str(each.path)) for _, each in opened]
        count = workers if workers is not None else pools.default_workers(max(sizes, default=0))
        with pools.pool(count) as executor:
            for split, each in opened:
                result.files.append(_one(each, split, options, executor, count))
        if "duplicates" in options.checks and len(result.files) > 1:
            scans = [each.scan for each in result.files]
            result.findings += compare_splits(scans, [each.part for each in result.files])
        result.findings += judge_classes([each.scan for each in result.files])
        for surveyed in result.files:
            surveyed.part.leave_out()
        result.seconds = time.perf_counter() - begun
        yield result


def named(sources: Any) -> list[tuple[str, Any]]:
    """Return sources with their splits; the names of splits are those of the config."""
    if isinstance(sources, Mapping):
        usual = {"validation": "val", "valid": "val", "dev": "val"}
        return [(usual.get(str(name), str(name)), each) for name, each in sources.items()]
    if isinstance(sources, (list, tuple)) and all(isinstance(s, (str, Path)) for s in sources):
        return [("", source) for source in sources]
    return [("", sources)]


def _one(each: Plain, split: str, options: Options, executor: Any, workers: int) -> Surveyed:
    local = options
    mapped = each.numbers is not None
    if mapped:  # rows that repeat are named by lines: found when those are known
        local = replace(options, checks=options.checks - {"duplicates"})
    if each.container.endswith("csv"):
        local = replace(local, kind="csv")
    if each.temporary:
        local = replace(local, checks=local.checks - {"sha256"})
    scan, part = scan_file(str(each.path), split, local, executor, workers)
    if not each.temporary:
        return Surveyed(each, scan, part)
    path = scan.path
    scan.path, scan.bytes = each.source, each.bytes
    scan.container = f"{each.container} {scan.container}" if not each.numbers else each.container
    if each.rows_only:
        scan.container = each.container
    scan.sha256 = each.sha256 if "sha256" in options.checks else ""
    scan.findings = [_told(item, path, each) for item in scan.findings]
    if mapped:
        _map_lines(each, scan, part, "duplicates" in options.checks)
    return Surveyed(each, scan, part)


def _told(item: Finding, path: str, each: Plain) -> Finding:
    return replace(
        item,
        where=item.where.replace(path, each.source),
        message=item.message.replace(path, each.source),
    )


def _map_lines(each: Plain, scan: FileScan, part: Part, duplicates: bool) -> None:
    """Put the lines of a JSON array in the place of those of its copy."""
    import numpy as np

    for log in (scan.log, scan.marks):
        for kept in log.kept.values():
            kept[:] = [(each.number(line), problem) for line, problem in kept]
    if each.problems:  # the stand-ins were taken for rows that are no objects
        for counted in (scan.log.counts, scan.log.rows, scan.log.kept):
            counted.pop("not_an_object", None)
        for line, problem in each.problems:
            scan.log.add(line, [problem])
    for row in scan.preview:
        row["line"] = each.number(row["line"])
    if scan.refused or each.numbers is None:
        return
    part.row_lines = Numbers("u8")
    part.row_lines.replace(np.frombuffer(each.numbers, np.uint64)[: scan.rows].copy())
    if duplicates:
        note_duplicates(scan, part, part.content.array, part.prompt.array)
