"""The fast path of `plain`, by a compiled parser: the same rows, the same numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor import kernels
from ft_runtime.doctor.jsonl.layout import FIRST_EXTRA, Layout
from ft_runtime.doctor.jsonl.rows import Accepted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ft_runtime.doctor.part import Part

_ALL = 2**64 - 1
# Kinds of problems of which a row's number of flaws has one byte each, the count.
FLAWS = ("empty_field", "null_field", "not_text", "lone_surrogate", "missing_field")
# Bytes behind the scratch of a block that a kernel may write to, and mean nothing.
_MORE = 128


def reader(layout: Layout) -> Reader | None:
    """Return the compiled reader of a layout's rows; None where it cannot be had."""
    code = kernels.load("rows")
    return Reader(code, layout) if code else None


class Reader:
    """The kernel of rows with the memory that it uses again for each block.

    Parameters
    ----------
    code : module
        `kernels.rows`.
    layout : Layout
    """

    def __init__(self, code: ModuleType, layout: Layout) -> None:
        import numpy as np

        self._code, self._layout = code, layout
        self._roles: Any = name_table(layout.roles.names)
        self._known = 0
        self._facts: Any = np.zeros(code.FACTS, np.int64)
        self._spare: Any = np.empty(0, np.uint8)
        self._labels = layout.format == "csv_classification"
        self._bits = [
            sum(1 << column.number for column in layout.columns if getattr(column, kind))
            for kind in ("required", "answer")
        ]
        self._room(1 << 10)

    def _room(self, rows: int) -> None:
        import numpy as np

        self._found: Any = np.empty((6, rows), np.int64)
        self._fine: Any = np.empty(rows, np.uint8)
        self._label: Any = np.empty((rows if self._labels else 0, 2), np.int64)

    def accept(self, block: bytes, end: int) -> Accepted:
        """Return which rows of ``block[:end]`` are plainly fine, as `plain.accept` does.

        The arrays of the result are used again at the next call.
        """
        import numpy as np

        data = np.frombuffer(block, np.uint8)
        if self._spare.size < end + _MORE:
            self._spare = np.empty(end + _MORE, np.uint8)
        count = self._read(data, end)
        if self._facts[self._code.STOP] < end:
            self._room(int(np.count_nonzero(data[:end] == 10)) * 5 // 4)
            count = self._read(data, end)
        if self._facts[self._code.NEWS] and self._learn(data):
            count = self._read(data, end)
        self._see(int(self._facts[self._code.SEEN]))
        found = self._found[:, :count]
        fine = self._fine[:count].view(bool)
        return Accepted(
            found[0],
            found[1],
            fine,
            found[2].view(np.uint64),
            found[3].view(np.uint64),
            found[4],
            self._named(fine, data) if self._labels else [],
            int(self._facts[self._code.CRLF]),
            found[5],
        )

    def _read(self, data: NDArray[Any], end: int) -> int:
        if self._known != len(self._layout.keys.names):
            self._known = len(self._layout.keys.names)
            self._keys = name_table(self._layout.keys.names)
        self._facts[:] = 0
        at = data.ctypes.data
        return int(
            self._code.read_rows(
                at,
                at + end,
                self._layout.chat,
                self._keys.ctypes.data,
                self._roles.ctypes.data,
                *self._bits,
                self._spare.ctypes.data,
                self._facts.ctypes.data,
                self._fine.size,
                self._found.ctypes.data,
                self._label.ctypes.data if self._labels else 0,
                self._fine.ctypes.data,
            )
        )

    def _learn(self, data: NDArray[Any]) -> bool:
        """Give numbers to the names that were met first in this block; False when it has none."""
        base = data.ctypes.data
        count = 2 * int(self._facts[self._code.NEWS])
        noted = self._facts[self._code.NAMES :][:count]
        spans = zip(noted[0::2].tolist(), noted[1::2].tolist(), strict=True)
        names = {data[at - base : at - base + size].tobytes() for at, size in spans}
        learned = [self._layout.learn(name) for name in sorted(names)]
        return any(learned)

    def _see(self, bits: int) -> None:
        bits >>= FIRST_EXTRA
        number = FIRST_EXTRA
        while bits:
            if bits & 1:
                self._layout.seen.add(number)
            bits, number = bits >> 1, number + 1

    def _named(self, fine: NDArray[Any], data: NDArray[Any]) -> list[bytes]:
        """Return the labels of the fine rows, from the block or from the scratch."""
        at, size = self._label[: fine.size][fine].T
        base, spare = data.ctypes.data, self._spare.ctypes.data
        labels = []
        block, scratch = memoryview(data), memoryview(self._spare)
        for place, length in zip(at.tolist(), size.tolist(), strict=True):
            inside = base <= place < base + data.size
            source, begin = (block, place - base) if inside else (scratch, place - spare)
            labels.append(source[begin : begin + length].tobytes())
        return labels


def count_flaws(found: Accepted, lines: NDArray[Any], part: Part) -> NDArray[Any]:
    """Count the rows whose flaws are of kinds that were told enough; return the other lines.

    Parameters
    ----------
    found : Accepted
    lines : ndarray of int
        The lines that are not fine.
    """
    import numpy as np

    told = part.log.told()
    if found.flaws is None or not told:
        return lines
    flaws = found.flaws.take(lines)
    kinds, counts = np.unique(flaws, return_counts=True)
    done = [0]
    for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
        codes = [code for i, code in enumerate(FLAWS) for _ in range(kind >> 8 * i & 255)]
        if codes and told.issuperset(codes):
            part.log.count(codes, count)
            part.broken += count
            done.append(kind)
    return lines[~np.isin(flaws, done[1:])]


def name_table(names: Mapping[bytes, int]) -> NDArray[Any]:
    """Return names of at most 16 bytes as the table that `kernels.walk.number_of` reads."""
    import numpy as np

    from ft_runtime.doctor.kernels.walk import MULTIPLIER, SLOTS

    table: Any = np.zeros((SLOTS, 4), np.int64)
    for name, number in names.items():
        first = int.from_bytes(name[:8], "little")
        last = int.from_bytes(name[-8:], "little") if len(name) > 8 else 0
        mixed = first ^ (last << 1 & _ALL) ^ len(name)
        slot = (mixed * MULTIPLIER & _ALL) >> 56
        while table[slot, 2]:
            slot = (slot + 1) % SLOTS
        words = np.array([first, last, len(name), number], np.uint64)
        table[slot] = words.view(np.int64)
    return table
