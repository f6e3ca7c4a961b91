"""One number for each row, in one array that grows without a copy of itself beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 1 << 16


class Numbers:
    """A growing array.

    Parameters
    ----------
    kind : str
        The dtype.

    Notes
    -----
    Room is made for as many numbers as are expected, which costs nothing: memory that is not
    written to yet takes no place. Only where more come is the array copied.
    """

    def __init__(self, kind: str = "u8") -> None:
        self.kind = kind
        self._room: NDArray[Any] | None = None
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __getstate__(self) -> tuple[str, NDArray[Any]]:
        return self.kind, self.array

    def __setstate__(self, state: tuple[str, NDArray[Any]]) -> None:
        self.kind, self._room = state
        self._size = self._room.size

    @property
    def array(self) -> NDArray[Any]:
        """The numbers so far; a view."""
        import numpy as np

        if self._room is None:
            return np.zeros(0, self.kind)
        return self._room[: self._size]

    def append(self, values: NDArray[Any], expected: int = 0) -> None:
        """Add numbers at the end.

        Parameters
        ----------
        values : ndarray
        expected : int
            How many there may be in the end.
        """
        import numpy as np

        size = self._size + values.size
        if self._room is None or size > self._room.size:
            room = np.empty(max(size, expected, self._size * 5 // 4), self.kind)
            room[: self._size] = self.array
            self._room = room
        self._room[self._size : size] = values
        self._size = size

    def cut(self, size: int) -> None:
        """Leave out what stands behind the first `size` numbers."""
        self._size = min(self._size, size)

    def keep(self, wanted: NDArray[Any]) -> None:
        """Leave out the numbers that are not wanted, in place."""
        if self._room is None:
            return
        size = 0
        for start in range(0, self._size, _CHUNK):
            stop = min(start + _CHUNK, self._size)
            kept = self._room[start:stop][wanted[start:stop]]
            self._room[size : size + kept.size] = kept
            size += kept.size
        self._size = size

    def shift(self, step: int) -> None:
        """Add the same to all numbers."""
        if self._room is not None and step:
            self._room[: self._size] += step

    def replace(self, values: NDArray[Any]) -> None:
        """Put other numbers in the place of all."""
        self._room, self._size = values.astype(self.kind, copy=False), values.size
