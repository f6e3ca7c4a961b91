"""The report as text: at most a screenful, whatever was found."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from ft_runtime.doctor.proposal import NAMES
from ft_runtime.doctor.report.report import empty_rate
from ft_runtime.findings import text
from ft_runtime.printing import printable, printable_path

if TYPE_CHECKING:
    from ft_runtime.doctor.report.group import Group
    from ft_runtime.doctor.report.report import Report
    from ft_runtime.doctor.result import FileScan

LINES = 24
WIDTH = 100
_FILES = 3
_SPARE = 4
"""Lines for the remedies of the worst kinds, where not all kinds have room."""
_LABELS = 5
_ARROW = "    → "
_LINE = re.compile(r":\d")


def to_text(report: Report) -> str:
    """Return the report in at most `LINES` lines of `WIDTH` characters.

    A long comparison, or a proposed split of many files, may come on top of that.
    """
    return "\n".join(line for part in parts(report) for line in part)


def parts(report: Report, lines: int = LINES) -> tuple[list[str], list[str], list[str]]:
    """Return the lines of the summary, of the findings, and what goes below them."""
    head, tail = [verdict(report), *_head(report)], _tail(report)
    found = _findings(report.groups, max(6, lines - len(head) - len(tail)))
    return [_fit(line) for line in head], [_fit(line) for line in found], tail


def size_text(size: int) -> str:
    """Return a number of bytes in words."""
    number = float(size)
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.2f} GB"


def _head(report: Report) -> list[str]:
    lines = []
    for scan in report.files[:_FILES]:
        lines += _file(scan, alone=len(report.files) == 1)
    if len(report.files) > _FILES:
        lines.append(f"… (+{len(report.files) - _FILES})")
    if report.labels and report.labels.counts:
        lines.append(_labels(report))
    if report.languages:
        lines.append(text("doctor_report.languages_line", shown=shares(report.languages)))
    elif report.scripts:
        lines.append(text("doctor_report.scripts_line", shown=shares(report.scripts)))
    if report.tokens and report.tokens.lengths:
        values = {**report.tokens.lengths, "over": report.tokens.over, "limit": report.tokens.limit}
        values["supervised"] = round(100 * report.tokens.supervised)
        lines.append(text("doctor_report.tokens_line", **values))
    if report.split and sum(report.split.sizes.values()):
        sizes = ", ".join(f"{name} {size:,}" for name, size in report.split.sizes.items())
        lines.append(text("doctor_report.split_line", strategy=report.split.strategy, sizes=sizes))
    return lines


def _file(scan: FileScan, alone: bool) -> list[str]:
    name, size = printable_path(scan.path, 60), size_text(scan.bytes)
    if scan.refused:
        shape = f" ({NAMES[scan.shape]})" if scan.shape in NAMES else ""
        return [text("doctor_report.refused", name=name, size=size) + shape]
    lines = [
        text(
            "doctor_report.head",
            name=name,
            rows=scan.rows,
            broken=scan.broken,
            format=(scan.format or "?") + (" (ShareGPT)" if scan.shape == "sharegpt" else ""),
            container=scan.container,
            size=size,
        )
    ]
    if alone:
        sha256, rate = f"{scan.sha256[:16]}…" if scan.sha256 else "-", empty_rate(scan)
        lines.append(
            text("doctor_report.identity", fingerprint=scan.fingerprint or "-", sha256=sha256)
        )
        if scan.fine:
            empty = text("doctor_report.empty_part", percent=f"{100 * rate:.3g}") if rate else ""
            lines.append(text("doctor_report.lengths", **vars(scan.lengths)) + empty)
    return lines


def _labels(report: Report) -> str:
    assert report.labels is not None
    counts = report.labels.counts
    shown = ", ".join(f"{_label(n)} {c:,}" for n, c in list(counts.items())[:_LABELS])
    if len(counts) > _LABELS:
        shown += f" … (+{len(counts) - _LABELS})"
    evenness = f"{report.labels.evenness:.2f}"
    return text("doctor_report.labels_line", count=len(counts), shown=shown, evenness=evenness)


def _label(name: str) -> str:
    """Return a label short, and in quotes where its ends could not be seen."""
    short = printable(name, 16 if len(name) > 18 else 18)
    return short if name == name.strip() and name else repr(short)


def shares(found: dict[str, float], most: int = 5) -> str:
    """Return shares as words: ``English 97 %, German 3 %``."""
    shown = [f"{name} {100 * part:.0f} %" for name, part in list(found.items())[:most]]
    return ", ".join(shown) + (f" … (+{len(found) - most})" if len(found) > most else "")


def _findings(groups: list[Group], room: int) -> list[str]:
    """Return every kind in a line, or as many as there is room for; the worst with remedies."""
    shown = groups if len(groups) <= room else groups[: max(1, room - 1 - _SPARE)]
    left = len(groups) - len(shown)
    spare = room - len(shown) - bool(left)
    blocks = []
    for each in shown:
        blocks.append(_lines(each, min(3, 1 + spare)))
        spare -= len(blocks[-1]) - 1
    # What room is left goes to remedies that were cut short.
    for each, block in zip(shown, blocks, strict=True):
        if spare and block[-1].startswith(_ARROW) and block[-1] != _ARROW + each.hint:
            block[-1:] = _remedy(each.hint, 2)
            spare -= 1
    lines = [line for block in blocks for line in block]
    if left:
        lines.append(text("doctor_report.more_kinds", count=left))
    return lines


def _lines(each: Group, most: int) -> list[str]:
    """Return a finding in at most so many lines: message and remedy, shortened where they must."""
    rows = f" {text('doctor_report.rows_word', count=each.rows)}" if each.rows > 1 else ""
    where = f" {_places(each.where)}:" if each.where else ""
    message = f"{each.severity} [{each.code}]{rows}{where} {printable(each.message, 400)}"
    wrapped = textwrap.wrap(
        message,
        WIDTH,
        subsequent_indent="    ",
        max_lines=max(1, min(2, most - bool(each.hint))),
        placeholder=" …",
        break_on_hyphens=False,
    ) or [""]
    if each.hint and most > 1:
        wrapped += _remedy(each.hint, 1)
    return wrapped


def _remedy(hint: str, most: int) -> list[str]:
    """Return a remedy in at most so many lines."""
    if most == 1:
        return [_ARROW + printable(hint, WIDTH - len(_ARROW))]
    shown = printable(hint, most * WIDTH)
    return textwrap.wrap(
        shown,
        WIDTH,
        initial_indent=_ARROW,
        subsequent_indent=" " * len(_ARROW),
        max_lines=most,
        placeholder=" …",
        break_on_hyphens=False,
    )


def _places(where: str, most: int = 60) -> str:
    """Return places, as many as fit; none of them is cut where it would name another line."""
    shown = printable(where, 400)
    if len(shown) <= most:
        return shown
    line = _LINE.search(shown)
    if line and line.start() > most * 2 // 3:  # of a long path the end tells most
        shown = "…" + shown[line.start() + 1 - most * 2 // 3 :]
    if len(shown) <= most:
        return shown
    whole, comma, _ = shown[:most].rpartition(", ")
    return f"{whole} …" if comma else printable(shown, most)


def verdict(report: Report) -> str:
    """Return the one line that says whether all is well."""
    counts = report.counts()
    others = counts["warning"] + counts["info"]
    key = "doctor_report.verdict_good" if report.ok else "doctor_report.verdict_bad"
    return text(key, errors=counts["error"], others=others, seconds=f"{report.seconds:.1f}")


def _tail(report: Report) -> list[str]:
    lines = []
    if report.diff is not None:
        lines += repr(report.diff).splitlines()
    if report.split and report.split.proposal:
        files = report.split.proposed == "files"
        key = "doctor_report.proposal_files" if files else "doctor_report.proposal"
        folder = proposed_folder(report.split.proposal) if files else ""
        lines += textwrap.wrap(text(key, folder=folder), WIDTH)
        lines += report.split.proposal.splitlines()
    return lines


def proposed_folder(proposal: str) -> str:
    """Return the folder that a proposal of files names."""
    return proposal.splitlines()[-1].partition('"')[2].rpartition("/")[0]


def _fit(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
