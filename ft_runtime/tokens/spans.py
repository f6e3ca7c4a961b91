"""The supervised tokens of every row, in a few bytes a row."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from functools import cached_property

from ft_runtime.tokens.cut import Turns


class Spans(Mapping[int, Turns]):
    """Supervised tokens ``[start, end)`` by row number; kept flat, for there may be many rows."""

    def __init__(self) -> None:
        self._rows = array("q")
        self._ends = array("q", [0])
        self._flat = array("q")

    def add(self, row: int, turns: Turns) -> None:
        """Append a row that is not there yet."""
        self._rows.append(row)
        for turn in turns:
            self._flat.extend(turn)
        self._ends.append(len(self._flat))

    def __getitem__(self, row: int) -> Turns:
        place = self._places[row]
        flat = self._flat[self._ends[place] : self._ends[place + 1]]
        return list(zip(flat[0::2], flat[1::2], strict=True))

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @cached_property
    def _places(self) -> dict[int, int]:
        """Asked for when the rows are complete."""
        return {row: place for place, row in enumerate(self._rows)}
