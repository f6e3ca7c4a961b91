"""The result of a scan: plain data that other rooms render, save and compare."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from ft_runtime.doctor.problems import Log, Problem, is_error, told
from ft_runtime.findings import Finding

PREVIEW = 20


@dataclass
class Quantiles:
    """Lengths of the fine rows in characters, all texts of a row together.

    Exact up to 16384 characters, and within 1.1 % above.
    """

    least: int = 0
    p05: int = 0
    p25: int = 0
    median: int = 0
    p75: int = 0
    p95: int = 0
    p99: int = 0
    most: int = 0


@dataclass
class FileScan:
    """What is known of one file.

    Attributes
    ----------
    path, split : str
        `split` is "" when the caller named none.
    container : {"jsonl", "csv", "tsv", "json", ""}
    format : str or None
        A format of the config, declared or detected.
    columns : dict
        Canonical name to name in the file, where they differ: ready for ``dataset.columns``.
    bytes, lines, rows, fine, broken : int
        ``fine + broken == rows``; `lines` are physical.
    sha256 : str
        Of the file; "" when not asked for.
    fingerprint : str
        Of the fine rows as a set with repetitions: the same for any order, spacing, key order
        and escapes; "" when the file was refused.
    valid : bool
        False when the file changed while it was read.
    refused : bool
        The file was not read as rows; `findings` say why.
    findings : list of Finding
        On the file as a whole.
    log : Log
        Problems of rows: all counted, the first few hundred of each code kept with their lines.
    marks : Log
        Secrets, personal data, placeholders and special tokens.
    labels : dict of str to int
    lengths : Quantiles
    histogram : dict of int to int
        Rows by length class; see `part.class_length`.
    duplicates, conflicts : int
        Rows that repeat a row; rows whose prompt has another answer elsewhere.
    extras : list of str
        Columns that are not used.
    preview : list of dict
        The first rows: ``{"line", "fine", "text"}``, text cut short.
    """

    path: str
    split: str = ""
    container: str = ""
    format: str | None = None
    shape: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    lines: int = 0
    rows: int = 0
    fine: int = 0
    broken: int = 0
    sha256: str = ""
    fingerprint: str = ""
    valid: bool = True
    refused: bool = False
    findings: list[Finding] = field(default_factory=list)
    log: Log = field(default_factory=Log)
    marks: Log = field(default_factory=Log)
    labels: dict[str, int] = field(default_factory=dict)
    lengths: Quantiles = field(default_factory=Quantiles)
    histogram: dict[int, int] = field(default_factory=dict)
    duplicates: int = 0
    conflicts: int = 0
    extras: list[str] = field(default_factory=list)
    preview: list[dict[str, Any]] = field(default_factory=list)

    def row_findings(self, limit: int | None = None) -> list[Finding]:
        """Return the kept problems as findings, errors first, at most `limit` of each code."""
        made = []
        for log in (self.log, self.marks):
            for code in sorted(log.kept, key=lambda code: (not is_error(code), code)):
                for line, problem in log.kept[code][:limit]:
                    made.append(self._finding(line, problem))
        return made

    def _finding(self, line: int, problem: Problem) -> Finding:
        return told(problem, f"{self.path}:{line}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON; problems as counts and findings."""
        plain = {
            name: value
            for name, value in vars(self).items()
            if name not in ("findings", "log", "marks", "lengths")
        }
        plain["lengths"] = asdict(self.lengths)
        plain["findings"] = [item.to_dict() for item in self.findings]
        plain["problems"] = dict(self.log.rows)
        plain["marks"] = dict(self.marks.counts)
        plain["row_findings"] = [item.to_dict() for item in self.row_findings()]
        return plain


@dataclass
class Scan:
    """The result of `scan`: one entry a file, and what concerns several.

    Attributes
    ----------
    files : list of FileScan
    findings : list of Finding
        Across files: rows and prompts that two splits share.
    seconds : float
        Wall time.
    """

    files: list[FileScan] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """Rows of all files, readable or not."""
        return sum(each.rows for each in self.files)

    @property
    def broken(self) -> int:
        """Rows that cannot be used."""
        return sum(each.broken for each in self.files)

    @property
    def valid(self) -> bool:
        """Whether every file stayed as it was while it was read."""
        return all(each.valid for each in self.files)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {
            "rows": self.rows,
            "broken": self.broken,
            "valid": self.valid,
            "seconds": self.seconds,
            "findings": [item.to_dict() for item in self.findings],
            "files": [each.to_dict() for each in self.files],
        }

    def __repr__(self) -> str:
        lines = [
            f"{each.path}: {each.rows:,} rows, {each.broken:,} broken, {each.format or '?'}"
            + ("" if each.valid else ", CHANGED WHILE READ")
            for each in self.files
        ]
        return "\n".join(lines)
