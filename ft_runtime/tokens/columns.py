"""The ledger's entries as columns: a large file has no bytes to spare for an object a row."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import islice
from operator import lt

Record = tuple[int, str, int, str, str, int, int, int, str, str]
"""The fields of an `Entry`, in its order."""

_NUMBERS = (0, 2, 5, 6, 7)


class Columns:
    """Records of a ledger: numbers as they are, and texts by their place in one list of texts.

    Some eighty bytes a row, where an object with its numbers takes four hundred.
    """

    def __init__(self) -> None:
        self._columns = [array("q") if place in _NUMBERS else array("l") for place in range(10)]
        self._texts: list[str] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, index: int) -> Record:
        row, source, line, split, state, tokens, learned, cut, code, detail = (
            column[index] for column in self._columns
        )
        texts = self._texts
        return (
            row, texts[source], line, texts[split], texts[state],
            tokens, learned, cut, texts[code], texts[detail],
        )  # fmt: skip

    def __iter__(self) -> Iterator[Record]:
        texts = self._texts
        for row, source, line, split, state, tokens, learned, cut, code, detail in zip(
            *self._columns, strict=True
        ):
            yield (
                row, texts[source], line, texts[split], texts[state],
                tokens, learned, cut, texts[code], texts[detail],
            )  # fmt: skip

    @property
    def rows(self) -> array[int]:
        """The row numbers."""
        return self._columns[0]

    def add(self, record: Record) -> None:
        """Append a record."""
        row, source, line, split, state, tokens, learned, cut, code, detail = record
        place = self._place
        values = (
            row, place(source), line, place(split), place(state),
            tokens, learned, cut, place(code), place(detail),
        )  # fmt: skip
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def by_row(self) -> Columns:
        """Return the records ordered by row number: these, if they are so."""
        rows = self.rows
        if all(map(lt, rows, islice(rows, 1, None))):
            return self
        order = sorted(range(len(rows)), key=rows.__getitem__)
        ordered = Columns()
        ordered._texts, ordered._places = self._texts, self._places
        ordered._columns = [
            array(column.typecode, map(column.__getitem__, order)) for column in self._columns
        ]
        return ordered

    def _place(self, text: str) -> int:
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = len(self._texts)
            self._texts.append(text)
        return place
