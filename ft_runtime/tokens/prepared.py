"""What `prepare_data` returns: token ids ready for a trainer, and what belongs to them."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import text
from ft_runtime.tokens.ledger import Ledger

if TYPE_CHECKING:
    from datasets import Dataset

SPLITS = ("train", "val", "test")
_NAMED = 12
_SMALL = 1 << 31  # numbers up to which the offsets of Arrow's lists have 32 bits
IGNORED = -100
"""Label of a token that the loss does not look at (the default of torch's cross entropy)."""


@dataclass(frozen=True)
class Example:
    """One row in use, as text; row `i` of a split's dataset is its example `i`.

    Attributes
    ----------
    row : int
        Number of the row in the dataset, from 1.
    messages : list of dict or None
        The conversation, the reference answer last (chat and instruction).
    prompt : str or None
        What inference shows the model before the reference; see `encode_prompt`.
    reference : str or None
        The answer to compare with.
    text, label : str or None
        Of a classification row.
    """

    row: int
    messages: list[dict[str, Any]] | None = None
    prompt: str | None = None
    reference: str | None = None
    text: str | None = None
    label: str | None = None


@dataclass
class PreparedData:
    """Token ids of every split, with the ledger of all rows.

    Attributes
    ----------
    train, val, test : datasets.Dataset
        Columns ``input_ids`` and ``labels`` (for classification the number of the class) and
        ``row``, the number of the row in the dataset. Empty when the split has no rows.
    ledger : Ledger
    examples : dict of str to list of Example
        By split, in the order of the datasets.
    label_names : list of str or None
        Of classification, by number.
    end_token_ids : tuple of int
        The tokens that end supervised answers: generation must stop at them.
    max_seq_len : int
        Rows were cut to this many tokens.
    """

    train: Dataset
    val: Dataset
    test: Dataset
    ledger: Ledger
    examples: dict[str, list[Example]]
    label_names: list[str] | None = None
    end_token_ids: tuple[int, ...] = ()
    max_seq_len: int = 0
    pin: dict[str, str] = field(default_factory=dict)
    """SHA-256 over token ids and labels of each split: equal data gives equal digests."""

    @property
    def held_out(self) -> str | None:
        """The split to evaluate on: ``test`` if it has rows, else ``val``, else None."""
        return next((name for name in ("test", "val") if len(self.split(name))), None)

    def split(self, name: str) -> Dataset:
        """Return the dataset of ``train``, ``val`` or ``test``.

        Raises
        ------
        KeyError
            For another name.
        """
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(self.split(name))}" for name in SPLITS)
        sums = self.ledger.tokens()
        lines = [text("tokens.prepared", sizes=sizes, length=self.max_seq_len, **sums)]
        if self.label_names is not None:
            names, more = ", ".join(self.label_names[:_NAMED]), len(self.label_names) - _NAMED
            names = text("tokens.and_more", shown=names, more=more) if more > 0 else names
            lines.append(text("tokens.prepared_labels", names=names))
        return "\n".join([*lines, repr(self.ledger)])

    def _repr_html_(self) -> str:
        return self.ledger._repr_html_()


class Table:
    """Rows of one split on their way into a dataset, kept as flat columns of 64-bit numbers.

    A list of Python numbers would take some fifty bytes a token, which a large file has not to
    spare.

    Parameters
    ----------
    classes : bool
        A label is the number of a class, and not one number a token.
    """

    def __init__(self, classes: bool) -> None:
        self._classes = classes
        self._rows = array("q")
        self._ends = array("q", [0])
        self._ids = array("q")
        self._labels = array("q")
        self._digest = sha256()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: int, ids: Sequence[int], labels: Sequence[int] | int) -> None:
        """Append a row: its number, token ids, and labels or class."""
        tokens = array("q", ids)
        learned = array("q", [labels] if isinstance(labels, int) else labels)
        self._rows.append(row)
        self._ids += tokens
        self._labels += learned
        self._ends.append(len(self._ids))
        for part in (array("q", [len(tokens)]), tokens, learned):
            if sys.byteorder == "big":
                part.byteswap()
            self._digest.update(part)

    def dataset(self) -> Dataset:
        """Return the rows as a dataset in memory, over the very numbers collected here."""
        import pyarrow as pa
        from datasets import Dataset

        def column(numbers: array[int]) -> pa.Array:
            return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])

        def lists(numbers: array[int]) -> pa.Array:
            kind = pa.list_ if len(numbers) < _SMALL else pa.large_list
            return pa.Array.from_buffers(
                kind(pa.int64()),
                len(self._rows),
                [None, pa.py_buffer(self._offsets(len(numbers)))],
                children=[column(numbers)],
            )

        labels = column(self._labels) if self._classes else lists(self._labels)
        columns = {"input_ids": lists(self._ids), "labels": labels, "row": column(self._rows)}
        # Named by what is in it: else datasets pickles the whole table to make up a name.
        name = sha256(self._digest.digest() + self._rows.tobytes()).hexdigest()[:16]
        return Dataset(pa.table(columns), fingerprint=name)

    def digest(self) -> str:
        """Return the SHA-256 of token ids and labels, row by row, as little-endian int64."""
        return self._digest.hexdigest()

    def _offsets(self, total: int) -> Any:
        import numpy as np

        return np.asarray(self._ends, dtype=np.int32 if total < _SMALL else np.int64)
