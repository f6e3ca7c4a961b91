"""Findings that many rows share: counted, with the first few places, told once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ft_runtime.data.places import SHOWN, Place, join_places
from ft_runtime.data.rows import Row
from ft_runtime.findings import Finding, finding


class Tally:
    """Collects doubts about rows (warnings, notes) by code."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._spots: dict[str, list[tuple[str, str]]] = {}
        self._values: dict[str, dict[str, Any]] = {}

    def add(self, code: str, place: Place, **values: Any) -> None:
        """Count one row under `code`; the values of the first one fill the message."""
        self._counts[code] = self._counts.get(code, 0) + 1
        spots = self._spots.setdefault(code, [])
        if len(spots) < SHOWN:
            spots.append(place.spot)
        self._values.setdefault(code, values)

    def findings(self) -> list[Finding]:
        """Return one finding a code, the most frequent first."""
        ordered = sorted(self._counts, key=lambda code: (-self._counts[code], code))
        return [
            finding(
                code,
                join_places(self._spots[code], self._counts[code]),
                count=self._counts[code],
                **self._values[code],
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
        for problem in {item.code: item for item in reversed(row.problems)}.values():
            code = problem.code
            counts[code] = counts.get(code, 0) + 1
            first.setdefault(code, problem)
            places = spots.setdefault(code, [])
            if len(places) < SHOWN:
                places.append(Place(row.source, row.line, row.number).spot)
    ordered = sorted(counts, key=lambda code: (-counts[code], code))
    return [
        (code, counts[code], join_places(spots[code], counts[code]), first[code])
        for code in ordered
    ]
