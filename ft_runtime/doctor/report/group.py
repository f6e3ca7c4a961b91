"""A million findings as a few kinds: counted, with the first places, told once, worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ft_runtime.doctor.survey import Survey, Surveyed
from ft_runtime.findings import Finding

PLACES = 5
RANK = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Group:
    """One kind of finding.

    Attributes
    ----------
    code, severity, message, hint : str
        Of the first one.
    where : str
        The first places.
    rows : int
        Rows that have it; 0 for a finding on a file, a column or the whole.
    """

    code: str
    severity: str
    where: str
    rows: int
    message: str
    hint: str

    def to_finding(self) -> Finding:
        """Return the group as a finding, as config and wizard show them."""
        severity: Any = self.severity
        return Finding(self.code, severity, self.where, self.message, self.hint)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return dict(vars(self))


def group(survey: Survey, others: Iterable[Finding] = ()) -> list[Group]:
    """Return all kinds of findings of a survey and of later rooms, worst first.

    Errors go before warnings, what concerns the whole before what concerns rows, and many rows
    before few.
    """
    made = [_single(item) for item in (*survey.findings, *others)]
    for each in survey.files:
        made += [_single(item) for item in each.scan.findings]
        made += _rows(each)
    return sorted(made, key=lambda g: (RANK[g.severity], g.rows > 0, -g.rows))


def _single(item: Finding) -> Group:
    return Group(item.code, item.severity, item.where, 0, item.message, item.hint)


def _rows(each: Surveyed) -> Iterable[Group]:
    counts = each.scan.log.rows + each.scan.marks.rows
    first: dict[str, Finding] = {}
    lines: dict[str, list[int]] = {}
    for code, line, item in each.row_findings(PLACES):
        first.setdefault(code, item)
        if line not in lines.setdefault(code, []):
            lines[code].append(line)
    for code, item in first.items():
        count = counts[code.partition(".")[2]]
        yield Group(
            code, item.severity, _places(item, lines[code], count), count, item.message, item.hint
        )


def _places(item: Finding, lines: list[int], count: int) -> str:
    """Return ``a.jsonl:3 messages[0].role``, or ``a.jsonl:3, 7, 9 … (+12)``."""
    if count <= 1 or len(lines) <= 1:
        return item.where
    head = item.where.split(f":{lines[0]}", 1)[0]
    if head == item.where:  # a source without lines
        head = item.where.split(f" row {lines[0]}", 1)[0] + " row "
    else:
        head += ":"
    more = f" … (+{count - len(lines)})" if count > len(lines) else ""
    return head + ", ".join(map(str, lines)) + more
