"""Naming a place in the data, and showing what stands there without harm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
