"""What `prepare_data` returns: token ids ready for a trainer, and what belongs to them."""

from __future__ import annotations

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


@dataclass
class Table:
    """Rows of one split on their way into a dataset.

    Attributes
    ----------
    classes : bool
        A label is the number of a class, and not one number a token.
    """

    classes: bool
    rows: list[int] = field(default_factory=list)
    ids: list[Sequence[int]] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)

    def add(self, row: int, ids: Sequence[int], labels: Any) -> None:
        """Append a row: its number, token ids, and labels or class."""
        self.rows.append(row)
        self.ids.append(ids)
        self.labels.append(labels)

    def dataset(self) -> Dataset:
        """Return the rows as a dataset in memory."""
        from datasets import Dataset, Features, Sequence, Value

        token = Value("int64")
        features = Features(
            {
                "input_ids": Sequence(token),
                "labels": token if self.classes else Sequence(token),
                "row": token,
            }
        )
        columns = {"input_ids": self.ids, "labels": self.labels, "row": self.rows}
        return Dataset.from_dict(columns, features=features)

    def digest(self) -> str:
        """Return the SHA-256 of token ids and labels, row by row, as little-endian int64."""
        import numpy as np

        found = sha256()
        for ids, labels in zip(self.ids, self.labels, strict=True):
            flat = [len(ids), *ids, *(labels if isinstance(labels, list) else [labels])]
            found.update(np.asarray(flat, dtype="<i8").tobytes())
        return found.hexdigest()
