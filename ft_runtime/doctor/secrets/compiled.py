"""Where patterns may match, as the kernel `marks` finds it."""

from __future__ import annotations

from typing import Any

from ft_runtime.doctor import kernels


class Marks:
    """The places in one block after another; the arrays belong to one thread.

    Raises
    ------
    RuntimeError
        The kernel cannot be had.
    """

    def __init__(self) -> None:
        import numpy as np

        code = kernels.load("marks")
        if code is None:
            raise RuntimeError("marks")
        self._code: Any = code
        self._head = np.full(code.HEAD, ord("\n"), np.uint8)
        self._notes = np.empty(code.NOTES, np.uint8)
        self._kinds = np.empty(code.ROOM, np.uint8)
        self._places = np.empty(code.ROOM, np.int64)
        arrays = (self._head, self._notes, self._kinds, self._places)
        self._room = tuple(array.ctypes.data for array in arrays)

    def find(self, block: bytes, end: int, secrets: bool, oddities: bool) -> dict[str, list[int]]:
        """Return the places in ``block[:end]`` by kind, as `find.confirm` wants them."""
        import numpy as np

        code = self._code
        data = np.frombuffer(block, np.uint8)
        self._head[code.BACK :] = data[: code.HEAD - code.BACK]
        found: dict[str, list[int]] = {}
        at = 0
        while at < end:
            count, at = code.find(data.ctypes.data, at, end, secrets, oddities, *self._room)
            kinds, places = self._kinds[:count], self._places[:count]
            for number in np.unique(kinds).tolist():
                found.setdefault(code.KINDS[number], []).extend(places[kinds == number].tolist())
        return found
