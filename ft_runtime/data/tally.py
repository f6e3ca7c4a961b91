"""Findings that many rows share: counted, with the first few places, told once."""

from __future__ import annotations

from collections.abc import Iterable

from ft_runtime.data.places import SHOWN, join_places
from ft_runtime.data.rows import Row
from ft_runtime.doctor.problems import Log, Problem
from ft_runtime.findings import Finding, finding

Spot = tuple[str, str]


class Tally:
    """Collects doubts about rows (warnings, notes) by code."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._spots: dict[str, list[Spot]] = {}
        self._first: dict[str, Problem] = {}

    def add(self, problems: Iterable[Problem], spot: Spot) -> None:
        """Count one row under the codes of its problems; the first of each fills the message."""
        for problem in {item.code: item for item in problems}.values():
            self._add(problem, 1, [spot])

    def add_log(self, log: Log, name: str, rows: int | None = None) -> None:
        """Count what was marked in the text of a source.

        Parameters
        ----------
        log : Log
        name : str
            Of the source.
        rows : int, optional
            Where the source has no lines: the rows of the dataset before it.
        """
        for code, kept in log.kept.items():
            lines = list(dict.fromkeys(line for line, _ in kept))[:SHOWN]
            spots = [(name, str(n) if rows is None else f"row {rows + n}") for n in lines]
            self._add(kept[0][1], log.rows[code], spots)

    def _add(self, problem: Problem, count: int, spots: list[Spot]) -> None:
        code = problem.code
        self._counts[code] = self._counts.get(code, 0) + count
        known = self._spots.setdefault(code, [])
        known += spots[: SHOWN - len(known)]
        self._first.setdefault(code, problem)

    def findings(self) -> list[Finding]:
        """Return one finding a code, the most frequent first."""
        ordered = sorted(self._counts, key=lambda code: (-self._counts[code], code))
        return [
            finding(
                f"data.{code}",
                join_places(self._spots[code], self._counts[code]),
                **self._first[code].values,
            )
            for code in ordered
        ]


def unusable(rows: Iterable[Row]) -> list[tuple[str, int, str, Finding]]:
    """Group the problems of rows by code, the most frequent first.

    Returns
    -------
    list of (code, count, places, first)
        How many rows have the problem, the first few places, and the first finding itself.
    """
    counts: dict[str, int] = {}
    spots: dict[str, list[tuple[str, str]]] = {}
    first: dict[str, Finding] = {}
    for row in rows:
        if not row.problems:
            continue
        for problem in {item.code: item for item in reversed(row.problems)}.values():
            code = problem.code
            counts[code] = counts.get(code, 0) + 1
            first.setdefault(code, problem)
            places = spots.setdefault(code, [])
            if len(places) < SHOWN:
                places.append(row.spot)
    ordered = sorted(counts, key=lambda code: (-counts[code], code))
    return [
        (code, counts[code], join_places(spots[code], counts[code]), first[code])
        for code in ordered
    ]
