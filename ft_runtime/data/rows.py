"""What the data room hands on: rows, where they came from, and what was found in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ft_runtime.findings import Finding


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the input, usable or not. Every input row becomes exactly one of these.

    Attributes
    ----------
    number : int
        Counted from 1 over the whole dataset, in the order train, val, test.
    source : str
        Name of the file, or hub id and split.
    line : int
        Physical line, counted from 1, on which the row starts; 0 when there are no lines (hub).
    split : str or None
        ``train``, ``val`` or ``test`` when the data came split; None when it is to be split.
    fields : dict or None
        The columns under their canonical names, checked when the row is usable, as they were read
        when it is not; None when the row could not be read at all.
    problems : tuple of Finding
        Why the row cannot be used; empty for a usable row.
    """

    number: int
    source: str
    line: int
    split: str | None
    fields: dict[str, Any] | None
    problems: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether the row can be trained on."""
        return self.fields is not None and not self.problems

    @property
    def spot(self) -> tuple[str, str]:
        """Source, and line or row number, for lists of places."""
        return self.source, str(self.line) if self.line else f"row {self.number}"


@dataclass(frozen=True)
class Source:
    """One file, or one split of a hub dataset.

    Attributes
    ----------
    name : str
        As rows name it.
    path : str
        Absolute path, or the hub id.
    sha256 : str
        Of the file's bytes; for a hub dataset of its rows (`ft_runtime.data.hub.fingerprint`).
    bytes : int
        Size of the file; 0 for a hub dataset.
    rows : int
        Number of input rows, readable or not.
    revision : str or None
        Commit of a hub dataset, as far as it is known.
    """

    name: str
    path: str
    sha256: str
    bytes: int
    rows: int
    revision: str | None = None


@dataclass
class RowSet:
    """Every row of the dataset, readable or not, with what was found on the way.

    Attributes
    ----------
    rows : list of Row
        In file order.
    format : str
        ``dataset.format`` of the config.
    sources : list of Source
        One a file.
    findings : list of Finding
        Warnings and notes about the dataset; unusable rows are grouped by code.
    label_names : list of str
        Classification: the labels of the usable rows, sorted; else empty.
    """

    rows: list[Row]
    format: str
    sources: list[Source]
    findings: list[Finding] = field(default_factory=list)
    label_names: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def usable(self) -> list[Row]:
        """The rows that can be trained on, in file order."""
        return [row for row in self.rows if row.usable]

    def __repr__(self) -> str:
        from ft_runtime.data.show import rows_text

        return rows_text(self)

    def _repr_html_(self) -> str:
        from ft_runtime.data.show import rows_html

        return rows_html(self)
