"""What `prepare_data` returns: token ids ready for a trainer, and what belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from ft_runtime.findings import text
from ft_runtime.tokens.ledger import Ledger

if TYPE_CHECKING:
    from datasets import Dataset

    from ft_runtime.data.rows import Row

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


class Examples(Sequence[Example]):
    """The rows of a split as text, each rendered again when it is looked at.

    Parameters
    ----------
    split : datasets.Dataset
        With the column ``row``.
    rows : sequence of Row
        Those of the split, used or not.
    make : callable
        Gives the example of a row.
    """

    def __init__(self, split: Dataset, rows: Sequence[Row], make: Callable[[Row], Example]) -> None:
        self._split = split
        self._rows = rows
        self._make = make

    def __len__(self) -> int:
        return len(self._split)

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self._make(row) for row in self._used[index]]
        return self._make(self._used[index])

    def __iter__(self) -> Iterator[Example]:
        return map(self._make, self._used)

    @cached_property
    def _used(self) -> list[Row]:
        known = {row.number: row for row in self._rows}
        return [known[number] for number in self._split["row"]]


@dataclass
class PreparedData:
    """Token ids of every split, with the ledger of all rows.

    Attributes
    ----------
    train, val, test : datasets.Dataset
        Columns ``input_ids`` and ``labels`` (for classification the number of the class) and
        ``row``, the number of the row in the dataset. Empty when the split has no rows.
    ledger : Ledger
    examples : dict of str to sequence of Example
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
    examples: Mapping[str, Sequence[Example]]
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
