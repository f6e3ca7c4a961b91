"""A safe split of surveyed files as files of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.cleaning.records import numbered
from ft_runtime.doctor.splits import safe_sides, write_splits
from ft_runtime.doctor.survey import Survey, Surveyed
from ft_runtime.findings import FindingsError, finding, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ft_runtime.doctor.examine import SplitPlan
    from ft_runtime.doctor.report import Report

_CHUNK = 1 << 14


def write_parts(found: Survey, report: Report, folder: str, plan: SplitPlan) -> str:
    """Write the safe split of all fine rows; broken rows are left out, as in training.

    Returns
    -------
    str
        What was written, and the YAML that uses it.

    Raises
    ------
    FindingsError
        ``doctor_report.cannot_split``, ``would_overwrite``, ``cannot_write``.
    """
    files = found.files
    kinds = {_ending(each) for each in files}
    if not files or any(each.scan.refused for each in files) or len(kinds) != 1:
        reason = "the files differ in kind" if len(kinds) > 1 else "a file was not read"
        raise _refusal(reason)
    ending = kinds.pop()
    headers = {_header(each) for each in files}
    if len(headers) > 1:
        raise _refusal("the headers differ")
    members = found.members()
    if not len(members):
        raise _refusal("no row can be used")
    sides = safe_sides(members, plan.shares, plan.seed)
    written = write_splits(_records(found, sides), sides, folder, ending, headers.pop())
    used = "\n".join(
        f"    {name}: {json.dumps(str(path), ensure_ascii=False)}" for name, path in written.items()
    )
    if report.split is not None:
        report.split.proposal = ""
    parts = ", ".join(str(path) for path in written.values())
    return f"{text('doctor_report.wrote_splits', parts=parts)}\ndataset:\n  path:\n{used}"


def _refusal(reason: str) -> FindingsError:
    return FindingsError([finding("doctor_report.cannot_split", "--write-splits", reason=reason)])


def _ending(each: Surveyed) -> str:
    if each.plain.rewritten:
        return "jsonl"
    last = each.scan.container.rpartition(" ")[2]
    return last if last in ("csv", "tsv") else "jsonl"


def _header(each: Surveyed) -> bytes:
    if _ending(each) == "jsonl":
        return b""
    from ft_runtime.doctor.head import detect

    found = detect(each.plain.path)
    with open(each.plain.path, "rb") as stream:
        raw = stream.read(found.begin)
    return raw.removeprefix(b"\xef\xbb\xbf")


def _records(found: Survey, sides: NDArray[Any]) -> Iterator[tuple[int, bytes]]:
    """Yield side and bytes of each fine row, as the files stand; the others are passed over."""
    row = 0
    for each in found.files:
        fine = each.fine_lines(copy=each.plain.numbers is not None)
        wanted = _pairs(fine, sides[row : row + fine.size])
        row += fine.size
        number, side = next(wanted, (0, 0))
        with open(each.plain.path, "rb") as stream:
            lines = numbered(stream)
            for line, raw in lines if _ending(each) == "jsonl" else each.records(lines):
                if line == number:
                    yield side, raw.removeprefix(b"\xef\xbb\xbf") if line == 1 else raw
                    number, side = next(wanted, (0, 0))


def _pairs(lines: NDArray[Any], sides: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Yield line and side of each row, with few at a time as Python's numbers."""
    for start in range(0, lines.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        yield from zip(lines[part].tolist(), sides[part].tolist(), strict=True)
