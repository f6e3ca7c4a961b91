"""Rows of a split on their way into a dataset, in blocks of Arrow."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.imports import load
from ft_runtime.tokens.cut import Turns
from ft_runtime.tokens.prepared import IGNORED

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

_BLOCK = 1 << 18
"""Tokens after which a block is written: 4 MB before they are narrowed."""

_IGNORED = array("q", [IGNORED])


class Table:
    """Collects the rows of one split: token ids as int32, labels and row numbers as int64.

    Parameters
    ----------
    classes : bool
        A label is the number of a class, and not one number a token.
    path : Path, optional
        File to write the blocks to; without it they stay in memory.

    Raises
    ------
    OSError
        From any method, when the file cannot be written.
    """

    def __init__(self, classes: bool, path: Path | None = None) -> None:
        self._classes = classes
        self._path = path
        self._writer: Any = None
        self._blocks: list[pa.RecordBatch] = []
        self._digest = sha256()
        self._named = sha256()
        self._count = 0
        self._begin()

    def __len__(self) -> int:
        return self._count

    def add(self, row: int, ids: Sequence[int], labels: Sequence[int] | int) -> None:
        """Append a row: its number, token ids, and labels or class."""
        labels = [labels] if isinstance(labels, int) else labels
        self._append(row, array("q", ids), array("q", labels))

    def learn(self, row: int, ids: list[int], spans: Turns) -> None:
        """Append a row of which the tokens in `spans` are learned."""
        tokens = array("q", ids)
        labels = _IGNORED * len(tokens)
        for start, stop in spans:
            labels[start:stop] = tokens[start:stop]
        self._append(row, tokens, labels)

    def _append(self, row: int, tokens: array[int], labels: array[int]) -> None:
        self._count += 1
        self._rows.append(row)
        self._ids += tokens
        self._labels += labels
        self._ends.append(len(self._ids))
        for part in (array("q", [len(tokens)]), tokens, labels):
            if sys.byteorder == "big":
                part.byteswap()
            self._digest.update(part)
        if len(self._ids) >= _BLOCK:
            self._flush()

    def dataset(self) -> Dataset:
        """Return the rows as a dataset: from the file where there is one, else in memory."""
        load("datasets")
        import pyarrow as pa
        from datasets import Dataset

        self.close()
        if self._path is not None:
            return Dataset.from_file(str(self._path))
        table = pa.Table.from_batches(self._blocks, schema=self._schema())
        # Named by what is in it: else datasets pickles the whole table to make up a name.
        name = sha256(self._digest.digest() + self._named.digest()).hexdigest()[:16]
        return Dataset(table, fingerprint=name)

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        if self._rows or (self._path is not None and self._writer is None):
            self._flush()
        if self._writer:
            writer, self._writer = self._writer, False
            writer.close()

    def discard(self) -> None:
        """Let go of the file, whatever became of it."""
        writer, self._writer = self._writer, False
        if writer:
            with suppress(OSError):
                writer.close()

    def digest(self) -> str:
        """Return the SHA-256 of token ids and labels, row by row, as little-endian int64."""
        return self._digest.hexdigest()

    def _begin(self) -> None:
        self._rows = array("q")
        self._ends = array("q", [0])
        self._ids = array("q")
        self._labels = array("q")

    def _flush(self) -> None:
        import pyarrow as pa

        self._named.update(self._rows)
        block = pa.record_batch(
            [
                self._lists(_column(self._ids, pa.int32())),
                _column(self._labels, pa.int64())
                if self._classes
                else self._lists(_column(self._labels, pa.int64())),
                _column(self._rows, pa.int64()),
            ],
            schema=self._schema(),
        )
        self._begin()
        if self._path is None:
            self._blocks.append(block)
            return
        if self._writer is None:
            # Arrow would write through a compression or memory pool of its own; this is plain.
            self._writer = pa.ipc.new_stream(str(self._path), self._schema())
        self._writer.write_batch(block)

    def _lists(self, values: pa.Array) -> pa.Array:
        import pyarrow as pa

        return pa.ListArray.from_arrays(_column(self._ends, pa.int32()), values)

    def _schema(self) -> pa.Schema:
        import pyarrow as pa

        labels = pa.int64() if self._classes else pa.list_(pa.int64())
        return pa.schema(
            [("input_ids", pa.list_(pa.int32())), ("labels", labels), ("row", pa.int64())]
        )


def _column(numbers: array[int], kind: pa.DataType) -> pa.Array:
    """Return a column over the very numbers, or of a narrower type."""
    import pyarrow as pa

    whole = pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])
    return whole if kind == pa.int64() else whole.cast(kind)
