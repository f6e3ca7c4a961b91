"""Gathering what is to be told about many rows into one finding each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import Finding, finding, text

if TYPE_CHECKING:
    from ft_runtime.data.rows import Row

_NAMED = 8
_DETAILS = 5


class Notes:
    """What was noticed, by code and detail, with the rows it concerns."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[Row]] = {}

    def add(self, code: str, row: Row, detail: str = "") -> None:
        """Note `code` for a row; equal details share a finding."""
        self._rows.setdefault((code, detail), []).append(row)

    def findings(self, **values: Any) -> list[Finding]:
        """Return one finding for each code and detail, in the order in which they came up.

        Parameters
        ----------
        **values
            For the placeholders of messages; ``count``, ``named``, ``detail`` are filled here.
        """
        made: list[Finding] = []
        details: dict[str, int] = {}
        merged: dict[tuple[str, str], list[Row]] = {}
        for (code, detail), rows in self._rows.items():
            # A template that quotes the row in its refusal must not make a finding for every row.
            details[code] = details.get(code, 0) + 1
            shown = detail if details[code] <= _DETAILS else "…"
            merged.setdefault((code, shown), []).extend(rows)
        for (code, detail), rows in merged.items():
            made.append(
                finding(
                    code,
                    place(rows[0]),
                    count=len(rows),
                    named=named([row.number for row in rows]),
                    detail=detail,
                    **values,
                )
            )
        return made


def place(row: Row) -> str:
    """Return where a row stands: file and line when they are known, else its number."""
    if row.line:
        return f"{row.source}:{row.line}"
    return text("tokens.row_place", source=row.source, row=row.number)


def named(numbers: Sequence[int]) -> str:
    """Return row numbers for a message: the first few, and how many more."""
    shown = ", ".join(str(number) for number in numbers[:_NAMED])
    more = len(numbers) - _NAMED
    return text("tokens.and_more", shown=shown, more=more) if more > 0 else shown


def why(code: str, **values: Any) -> str:
    """Return the reason of a row's fate in words, for the ledger."""
    name = code.split(".", 1)[1]
    return text(f"tokens.why_{name}", **values)
