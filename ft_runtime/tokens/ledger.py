"""The ledger: what became of every input row, and whether the sums are right."""

from __future__ import annotations

import csv
import html
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, overload

from ft_runtime.files import write_text_atomic
from ft_runtime.findings import text
from ft_runtime.tokens.columns import Columns, Record

State = Literal["whole", "truncated", "lost_end", "dropped"]
STATES: tuple[State, ...] = ("whole", "truncated", "lost_end", "dropped")
LOST: tuple[State, ...] = ("lost_end", "dropped")


@dataclass(frozen=True)
class Entry:
    """The fate of one input row; a line of ``ledger.csv``.

    Attributes
    ----------
    row : int
        Number of the row in the dataset, from 1.
    source : str
        File or hub dataset.
    line : int
        Line of the file where the row starts, from 1; 0 when unknown.
    split : str
        ``train``, ``val``, ``test``, or empty for a row that never came to a split.
    state : {"whole", "truncated", "lost_end", "dropped"}
        ``truncated``: its end was cut, yet every answer that is left keeps its end token.
        ``lost_end``: the cut went through an answer. ``dropped``: not used.
    tokens : int
        Tokens in use; 0 for a dropped row.
    supervised_tokens : int
        Tokens that the loss looks at; for classification 1, the label.
    tokens_cut : int
        Tokens of the row that are not in use, where they were counted.
    code : str
        Code of the reason; empty for a whole row.
    detail : str
        The reason in words.
    """

    row: int
    source: str
    line: int
    split: str
    state: State
    tokens: int = 0
    supervised_tokens: int = 0
    tokens_cut: int = 0
    code: str = ""
    detail: str = ""


COLUMNS = tuple(field.name for field in fields(Entry))
_SUMS = ("tokens", "supervised_tokens", "tokens_cut")


class Entries(Sequence[Entry]):
    """The entries of a ledger, made when they are looked at."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns)

    @overload
    def __getitem__(self, index: int) -> Entry: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Entry, ...]: ...

    def __getitem__(self, index: int | slice) -> Entry | tuple[Entry, ...]:
        if isinstance(index, slice):
            return tuple(_entry(self._columns[i]) for i in range(len(self))[index])
        return _entry(self._columns[index])

    def __iter__(self) -> Iterator[Entry]:
        return map(_entry, self._columns)


def _entry(record: Record) -> Entry:
    return Entry(*record)  # type: ignore[arg-type]


def _record(entry: Entry) -> Record:
    return tuple(getattr(entry, name) for name in COLUMNS)  # type: ignore[return-value]


class Ledger:
    """What became of every input row.

    Parameters
    ----------
    entries : iterable of Entry, or Columns
        One for each row of the dataset.
    rows : int
        Number of rows of the dataset.

    Attributes
    ----------
    entries : sequence of Entry
        By row number.
    rows : int

    Raises
    ------
    ValueError
        When a row is missing or there twice, or a state is unknown: then the ledger would lie.
    """

    def __init__(self, entries: Iterable[Entry] | Columns, rows: int) -> None:
        if not isinstance(entries, Columns):
            found, entries = entries, Columns()
            for entry in found:
                entries.add(_record(entry))
        self._columns = entries.by_row()
        self.rows = rows
        self.entries: Sequence[Entry] = Entries(self._columns)
        numbers = self._columns.rows
        if len(set(numbers)) != len(numbers):
            raise ValueError("a row is in the ledger twice")
        if len(numbers) != rows:
            raise ValueError(f"the ledger has {len(numbers)} rows, the dataset {rows}")
        self._sum_up()
        if unknown := {state for _, state in self._counts} - set(STATES):
            raise ValueError(f"unknown states: {sorted(unknown)}")

    def _sum_up(self) -> None:
        """Count once what is asked often: rows by split and state, sums by split, reasons."""
        self._counts: Counter[tuple[str, str]] = Counter()
        self._reasons: Counter[str] = Counter()
        self._sums: dict[str, list[int]] = {}
        for _, _, _, split, state, tokens, learned, cut, code, _ in self._columns:
            self._counts[split, state] += 1
            sums = self._sums.setdefault(split, [0, 0, 0])
            sums[0] += tokens
            sums[1] += learned
            sums[2] += cut
            if state in LOST:
                self._reasons[code] += 1

    def counts(self, split: str | None = None) -> dict[str, int]:
        """Return the number of rows in each state, of one split or of the dataset; they add up."""
        splits = self._sums if split is None else [split]
        return {state: sum(self._counts[name, state] for name in splits) for state in STATES}

    def splits(self) -> list[str]:
        """Return the splits that have rows; rows without a split come last as ``""``."""
        return [split for split in ("train", "val", "test", "") if split in self._sums]

    def tokens(self, split: str | None = None) -> dict[str, int]:
        """Return the sums of tokens in use, supervised tokens and tokens cut."""
        chosen = [sums for name, sums in self._sums.items() if split is None or name == split]
        return {name: sum(sums[place] for sums in chosen) for place, name in enumerate(_SUMS)}

    def reasons(self) -> dict[str, int]:
        """Return how many rows were lost for each code, the commonest first."""
        return dict(sorted(self._reasons.items(), key=lambda item: (-item[1], item[0])))

    @property
    def lost_fraction(self) -> float:
        """Share of rows that are dropped or lost an end token, 0 to 1; 0 for no rows."""
        return sum(self._reasons.values()) / self.rows if self.rows else 0.0

    def to_csv(self) -> str:
        """Return the ledger as CSV (RFC 4180): a header, then one record a row."""
        stream = io.StringIO(newline="")
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(self._columns)
        return stream.getvalue()

    @classmethod
    def from_csv(cls, document: str) -> Ledger:
        """Return the ledger that `to_csv` wrote.

        Raises
        ------
        ValueError
            When the text is not one of ours.
        """
        lines: Any = csv.reader(io.StringIO(document, newline=""))
        columns = Columns()
        try:
            if tuple(next(lines, ())) != COLUMNS:
                raise ValueError("not a ledger")
            for row, source, line, split, state, tokens, learned, cut, code, detail in lines:
                numbers = int(tokens), int(learned), int(cut)
                columns.add((int(row), source, int(line), split, state, *numbers, code, detail))
        except csv.Error as error:  # a text that is longer than the csv module reads
            raise ValueError(str(error)) from error
        return cls(columns, len(columns))

    def write(self, path: str | Path) -> Path:
        """Write the ledger as CSV, whole or not at all.

        Raises
        ------
        OSError
            When the file cannot be written.
        """
        return write_text_atomic(path, self.to_csv())

    def __repr__(self) -> str:
        lines = [text("tokens.ledger_title", rows=self.rows)]
        width = max(len(cell) for row in self._table() for cell in row)
        lines += ["  ".join(cell.rjust(width) for cell in row) for row in self._table()]
        lines += [
            text("tokens.ledger_reason", count=n, code=code) for code, n in self.reasons().items()
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        header, *body = self._table()
        cells = "".join(f"<th>{html.escape(name)}</th>" for name in header)
        lines = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in body
        )
        reasons = "".join(
            f"<li>{html.escape(text('tokens.ledger_reason', count=n, code=code))}</li>"
            for code, n in self.reasons().items()
        )
        title = html.escape(text("tokens.ledger_title", rows=self.rows))
        return (
            f"<p>{title}</p><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"
            + (f"<ul>{reasons}</ul>" if reasons else "")
        )

    def _table(self) -> list[list[str]]:
        """Return header, one line a split, and the totals, as text."""
        header = ["", *(text(f"tokens.ledger_{name}") for name in (*STATES, *_SUMS))]
        table = [header]
        for split in [*self.splits(), None]:
            counted, summed = self.counts(split), self.tokens(split)
            name = text("tokens.ledger_total") if split is None else split
            numbers = [*counted.values(), *summed.values()]
            table.append([name or text("tokens.ledger_no_split"), *map(str, numbers)])
        return table
