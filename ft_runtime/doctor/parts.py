"""A safe split of surveyed files as files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ft_runtime.doctor.cleaning.records import numbered
from ft_runtime.doctor.splits import safe_sides, write_splits
from ft_runtime.doctor.survey import Survey, Surveyed
from ft_runtime.findings import FindingsError, finding, text

if TYPE_CHECKING:
    from ft_runtime.doctor.examine import SplitPlan
    from ft_runtime.doctor.report import Report


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
    # Files follow each other; a row's key is its place in the joined sequence of records.
    keys: dict[int, int] = {}
    base = [0]
    for each in files:
        base.append(base[-1] + each.scan.lines + 2)
    for file, row, side in zip(
        members.file.tolist(), _copy_lines(found), sides.tolist(), strict=True
    ):
        keys[base[file] + row] = side
    written = write_splits(_records(files, base), keys, folder, ending, headers.pop())
    used = "\n".join(f"    {name}: {path}" for name, path in written.items())
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


def _copy_lines(found: Survey) -> list[int]:
    """Return the line of each fine row in the file that is read, which may be a copy."""
    lines: list[int] = []
    for each in found.files:
        lines += each.fine_lines(copy=each.plain.numbers is not None).tolist()
    return lines


def _header(each: Surveyed) -> bytes:
    if _ending(each) == "jsonl":
        return b""
    from ft_runtime.doctor.head import detect

    found = detect(each.plain.path)
    with open(each.plain.path, "rb") as stream:
        raw = stream.read(found.begin)
    return raw.removeprefix(b"\xef\xbb\xbf")


def _records(files: list[Surveyed], base: list[int]) -> Iterator[tuple[int, bytes]]:
    for each, before in zip(files, base, strict=False):
        with open(each.plain.path, "rb") as stream:
            lines = numbered(stream)
            for line, raw in lines if _ending(each) == "jsonl" else each.records(lines):
                clean = raw.removeprefix(b"\xef\xbb\xbf") if line == 1 else raw
                yield before + line, clean
