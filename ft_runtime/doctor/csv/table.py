"""How a CSV file is laid out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """How a CSV file is laid out.

    Attributes
    ----------
    delimiter : int
        The byte between cells.
    width : int
        Cells of the header.
    text, label : int
        Which cells hold text and label.
    names : tuple of str
        The names of these two columns.
    header : tuple of str
        The names of all columns.
    """

    delimiter: int
    width: int
    text: int
    label: int
    names: tuple[str, str]
    header: tuple[str, ...] = ()
