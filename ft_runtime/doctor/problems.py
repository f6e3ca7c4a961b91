"""What is wrong with a row, and the count of it over a file: all counted, a few hundred kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ft_runtime import messages
from ft_runtime.findings import Finding, finding
from ft_runtime.printing import printable

KEEP = 200


@dataclass(frozen=True)
class Problem:
    """One thing wrong in one row.

    Attributes
    ----------
    code : str
        Of the catalogue, without the room.
    path : str
        Place inside the row: ``messages[1].content``, ``column label``, ``column 17`` of the line.
    values : dict
        Fill the placeholders of the message.
    """

    code: str
    path: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def told(problem: Problem, place: str) -> Finding:
    """Return the finding on a problem of the row at a place (``a.jsonl:3``)."""
    where = f"{place} {printable(problem.path)}".rstrip()
    return finding(f"data.{problem.code}", where, **problem.values)


@cache
def is_error(code: str) -> bool:
    """Return whether a row with this problem is broken."""
    return messages.lookup(f"data.{code}")["severity"] == "error"


@dataclass
class Log:
    """Problems of many rows: every one is counted, the first `keep` of each code are kept.

    Attributes
    ----------
    counts : Counter
        Problems by code.
    rows : Counter
        Rows by code.
    kept : dict of str to list of (line, Problem)
        In the order of the lines.
    """

    keep: int = KEEP
    counts: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    kept: dict[str, list[tuple[int, Problem]]] = field(default_factory=dict)

    def add(self, line: int, problems: Iterable[Problem]) -> None:
        """Count the problems of one row."""
        seen = []
        for problem in problems:
            code = problem.code
            self.counts[code] += 1
            if code not in seen:
                seen.append(code)
                self.rows[code] += 1
            kept = self.kept.get(code)
            if kept is None:
                self.kept[code] = [(line, problem)]
            elif len(kept) < self.keep:
                kept.append((line, problem))

    def told(self) -> frozenset[str]:
        """Return the codes of which no more problems are kept."""
        return frozenset(code for code, kept in self.kept.items() if len(kept) >= self.keep)

    def count(self, codes: Sequence[str], rows: int = 1) -> None:
        """Count the problems of some rows that have the same, each of a kind told enough."""
        for code in codes:
            self.counts[code] += rows
        for code in dict.fromkeys(codes):
            self.rows[code] += rows

    def extend(self, other: Log, lines: int) -> None:
        """Add the log of the part of the file that begins after `lines` lines."""
        self.counts.update(other.counts)
        self.rows.update(other.rows)
        for code, kept in other.kept.items():
            own = self.kept.setdefault(code, [])
            own.extend((line + lines, problem) for line, problem in kept[: self.keep - len(own)])
