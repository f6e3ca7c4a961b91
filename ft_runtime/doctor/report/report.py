"""`Report`: everything that was found out about a dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.report.group import Group
from ft_runtime.findings import Finding

if TYPE_CHECKING:
    from ft_runtime.doctor.alike import NearReport
    from ft_runtime.doctor.identity import Diff
    from ft_runtime.doctor.proposal import Proposal
    from ft_runtime.doctor.result import FileScan
    from ft_runtime.doctor.splits import SplitReport
    from ft_runtime.doctor.statistics import LabelTable
    from ft_runtime.doctor.tokens import TokenReport


def empty_rate(scan: FileScan) -> float:
    """Return the share of rows with a text in which there is nothing to see."""
    return round(scan.log.rows.get("empty_field", 0) / scan.rows, 6) if scan.rows else 0.0


@dataclass
class Report:
    """What is known of a dataset.

    Attributes
    ----------
    files : list of FileScan
    groups : list of Group
        Every kind of finding, worst first.
    rows : list of (str, str, int, Finding)
        The findings on rows that were kept: source, split, line, finding.
    fingerprint : str
        Of the whole dataset.
    labels : LabelTable or None
    languages, scripts : dict of str to float
        Shares, from a sample.
    split : SplitReport or None
    tokens : TokenReport or None
    near : NearReport or None
    diff : Diff or None
    proposals : list of Proposal
        Format and columns of each source, ready for a config.
    seconds : float
    """

    files: list[FileScan]
    groups: list[Group]
    rows: list[tuple[str, str, int, Finding]] = field(default_factory=list)
    fingerprint: str = ""
    labels: LabelTable | None = None
    languages: dict[str, float] = field(default_factory=dict)
    scripts: dict[str, float] = field(default_factory=dict)
    split: SplitReport | None = None
    tokens: TokenReport | None = None
    near: NearReport | None = None
    diff: Diff | None = None
    proposals: list[Proposal] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is an error."""
        return not any(each.severity == "error" for each in self.groups)

    @property
    def findings(self) -> list[Finding]:
        """One finding a kind, worst first: what config, wizard and notebook show."""
        return [each.to_finding() for each in self.groups]

    def counts(self) -> dict[str, int]:
        """Return kinds of findings by severity."""
        found = dict.fromkeys(("error", "warning", "info"), 0)
        for each in self.groups:
            found[each.severity] += 1
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {
            "ok": self.ok,
            "findings": [item.to_dict() for item in self.findings],
            "kinds": [each.to_dict() for each in self.groups],
            "fingerprint": self.fingerprint,
            "files": [{**each.to_dict(), "empty_rate": empty_rate(each)} for each in self.files],
            "labels": self.labels.to_dict() if self.labels else None,
            "languages": self.languages,
            "scripts": self.scripts,
            "split": self.split.to_dict() if self.split else None,
            "tokens": self.tokens.to_dict() if self.tokens else None,
            "near": self.near.to_dict() if self.near else None,
            "diff": self.diff.to_dict() if self.diff else None,
            "proposals": [each.to_dict() for each in self.proposals],
            "seconds": round(self.seconds, 3),
        }

    def __repr__(self) -> str:
        from ft_runtime.doctor.report.summary import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        from ft_runtime.doctor.report.page import to_fragment

        return to_fragment(self)
