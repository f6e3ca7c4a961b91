"""Rows with a class to learn: a text and its label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ft_runtime.tokens.ahead import ahead
from ft_runtime.tokens.answers import Outcome, dropped
from ft_runtime.tokens.cut import Cut
from ft_runtime.tokens.encode import frame
from ft_runtime.tokens.notes import Notes, why
from ft_runtime.tokens.prepared import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.data.rows import Row

_BATCH = 512


class ClassRows:
    """Turns rows of text and label into token ids and class numbers.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
    limit : int
        Maximum length in tokens, those that the tokenizer puts around a text included.
    label_names : list of str
        Class number `i` is the name at place `i`.
    notes : Notes
        Takes what is to be told.
    """

    uses_clock = False
    renderer = None

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        limit: int,
        label_names: Sequence[str],
        notes: Notes,
    ) -> None:
        self.end_ids: set[int] = set()
        self._tokenizer = tokenizer
        self._limit = limit
        self._numbers = {name: number for number, name in enumerate(label_names)}
        self._notes = notes
        self._before, self._behind = frame(tokenizer)

    def outcomes(self, rows: Sequence[Row]) -> Iterator[tuple[Row, Outcome]]:
        """Yield every row with what became of it, in order."""
        batches = (rows[first : first + _BATCH] for first in range(0, len(rows), _BATCH))
        for batch, tokens in ahead(self._tokens, batches):
            for row, ids in zip(batch, tokens, strict=True):
                yield row, self._finish(row, list(ids))

    def example(self, row: Row) -> Example:
        """Return a row that came through as text."""
        fields = row.fields or {}
        return Example(row.number, text=fields["text"], label=fields["label"])

    def _tokens(self, rows: Sequence[Row]) -> list[list[int]]:
        found = self._tokenizer(
            [(row.fields or {})["text"] for row in rows],
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        return found["input_ids"]  # type: ignore[no-any-return]

    def _finish(self, row: Row, ids: list[int]) -> Outcome:
        fields = row.fields or {}
        if not ids:
            return dropped("tokens.empty_text")
        if fields["label"] not in self._numbers:
            return dropped("tokens.unknown_label", fields["label"])
        room = max(self._limit - len(self._before) - len(self._behind), 1)
        surplus = max(len(ids) - room, 0)
        kept = [*self._before, *ids[:room], *self._behind]
        label = self._numbers[fields["label"]]
        if not surplus:
            return Outcome(Cut("whole", kept), label)
        self._notes.add("tokens.truncated", row)
        detail = why("tokens.truncated", tokens=surplus, limit=self._limit)
        cut = Cut("truncated", kept, tokens_cut=surplus, code="tokens.truncated")
        return Outcome(cut, label, detail=detail)
