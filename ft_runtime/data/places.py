"""Naming a place in the data, and showing what stands there without harm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ft_runtime.printing import printable

SHOWN = 5
"""How many places a grouped finding names before it only counts."""


def listing(names: Iterable[str], limit: int = 12) -> str:
    """Return names as one readable list, the first `limit` of them and a count of the others."""
    known = list(names)
    shown = ", ".join(printable(name) or '""' for name in known[:limit])
    return shown + (f" … (+{len(known) - limit})" if len(known) > limit else "")


def quoted(values: Iterable[str], limit: int = 5) -> str:
    """Return values in quotation marks, so that stray spaces show."""
    known = list(values)
    shown = ", ".join(f'"{printable(value, 40)}"' for value in known[:limit])
    return shown + (f" … (+{len(known) - limit})" if len(known) > limit else "")


@dataclass(frozen=True)
class Place:
    """A row, and the names that the user's file has for its columns.

    Attributes
    ----------
    source : str
        Name of the file or hub split.
    line : int
        Physical line; 0 when there are none.
    number : int
        Row number over the dataset, said where there are no lines.
    names : Mapping
        Canonical column to the column of the file.
    """

    source: str
    line: int
    number: int
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def spot(self) -> tuple[str, str]:
        """Source, and line or row number, for lists of places."""
        return self.source, str(self.line) if self.line else f"row {self.number}"

    def at(self, column: str = "", detail: str = "") -> str:
        """Return ``file:line column``, as findings name a place."""
        head = join_places([self.spot])
        name = printable(self.names.get(column, column))
        return f"{head} {name}{detail}".rstrip()


def join_places(spots: Sequence[tuple[str, str]], count: int | None = None) -> str:
    """Return places as ``a.jsonl:3, 7, 9 … (+12)``; the source is said once in a row.

    Parameters
    ----------
    spots : sequence of (source, line)
        The places to name.
    count : int, optional
        How many there are in all, when more than are named.
    """
    parts: list[str] = []
    previous = None
    for source, line in spots:
        mark = " " if line.startswith("row") else ":"
        parts.append(line if source == previous else f"{source}{mark}{line}")
        previous = source
    more = (count or len(spots)) - len(spots)
    return ", ".join(parts) + (f" … (+{more})" if more > 0 else "")
