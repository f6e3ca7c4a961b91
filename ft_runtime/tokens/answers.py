"""Rows with an answer to learn: chat, instruction, prompt and completion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ft_runtime.data.formats.chat import said
from ft_runtime.findings import FindingsError, finding
from ft_runtime.tokens.ahead import ahead
from ft_runtime.tokens.content import Message
from ft_runtime.tokens.cut import Cut, Turns, cut_row
from ft_runtime.tokens.encode import Encoded, Encoder, Tokens
from ft_runtime.tokens.mask import MaskError, Rendered, TurnFinder, raw_row
from ft_runtime.tokens.notes import Notes, why
from ft_runtime.tokens.prepared import Example
from ft_runtime.tokens.shape import ASSISTANT
from ft_runtime.tokens.specials import specials_of
from ft_runtime.tokens.template import ChatRenderer, instruction_messages

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.data.rows import Row

_BATCH = 512
"""Rows that are handed to the tokenizer together."""


@dataclass(frozen=True)
class Outcome:
    """What became of a row.

    Attributes
    ----------
    cut : Cut
        Token ids, labels and state.
    label : int or None
        Number of the class, for classification.
    turns : sequence of (int, int)
        Supervised tokens of the whole row; empty if it could not be encoded.
    detail : str
        The reason in words.
    """

    cut: Cut
    label: int | None = None
    turns: Turns = ()
    detail: str = ""

    @property
    def used(self) -> bool:
        """Whether the row came through."""
        return self.cut.state != "dropped"


_Fate = tuple["Row", "Rendered | Outcome"]


@dataclass
class AnswerRows:
    """Turns rows into token ids and labels.

    Parameters
    ----------
    format : {"jsonl_chat", "jsonl_instr", "jsonl_prompt"}
    tokenizer : PreTrainedTokenizerBase
    limit : int
        Maximum length in tokens.
    moment : datetime
        What a template is told when it asks for the time.
    notes : Notes
        Takes what is to be told.

    Attributes
    ----------
    end_ids : set of int
        The tokens that end answers, as far as rows were prepared.

    Raises
    ------
    FindingsError
        ``tokens.no_template``, ``tokens.no_end``.
    """

    format: str
    tokenizer: PreTrainedTokenizerBase
    limit: int
    moment: datetime
    notes: Notes
    end_ids: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._specials = specials_of(self.tokenizer)
        self._encoder = Encoder(self.tokenizer, self._specials.ids)
        self.renderer: ChatRenderer | None = None
        if self.format == "jsonl_prompt":
            return
        if not self.tokenizer.chat_template:
            raise FindingsError([finding("tokens.no_template", "model_id")])
        self.renderer = ChatRenderer(self.tokenizer, self.moment)
        self._finder = TurnFinder(self.renderer, self._specials)

    @property
    def uses_clock(self) -> bool:
        """The template asks for the time."""
        return self.renderer is not None and self.renderer.uses_clock

    def outcomes(self, rows: Sequence[Row]) -> Iterator[tuple[Row, Outcome]]:
        """Yield every row with what became of it, in order."""
        for fates, tokens in ahead(self._tokens, self._rendered(rows)):
            encoded = self._encoder.place([made for _, made in _alive(fates)], tokens)
            for row, made in fates:
                if isinstance(made, Rendered):
                    yield row, self._finish(row, made, next(encoded))
                else:
                    yield row, made

    def example(self, row: Row) -> Example:
        """Return a row that came through as text."""
        fields: dict[str, Any] = row.fields or {}
        if self.format == "jsonl_prompt":
            return Example(row.number, prompt=fields["prompt"], reference=fields["completion"])
        messages, _ = self._conversation(row)
        prompt = self._finder.find(messages).prompt
        return Example(row.number, messages, prompt=prompt, reference=said(messages[-1]))

    def _rendered(self, rows: Sequence[Row]) -> Iterator[list[_Fate]]:
        for first in range(0, len(rows), _BATCH):
            yield [(row, self._render(row)) for row in rows[first : first + _BATCH]]

    def _tokens(self, fates: Sequence[_Fate]) -> list[Tokens]:
        return self._encoder.tokens([made for _, made in _alive(fates)])

    def _render(self, row: Row) -> Rendered | Outcome:
        fields: dict[str, Any] = row.fields or {}
        if self.format == "jsonl_prompt":
            self._note_control_text(row, [fields["prompt"], fields["completion"]])
            if not (fields["prompt"][-1:].isspace() or fields["completion"][:1].isspace()):
                self.notes.add("tokens.touching", row)
            return raw_row(fields["prompt"], fields["completion"])
        messages, trailing = self._conversation(row)
        if trailing and messages:
            self.notes.add("tokens.trailing_messages", row)
        try:
            rendered = self._finder.find(messages)
        except MaskError as error:
            return dropped(error.code, error.detail)
        self._note_control_text(row, [said(message) for message in messages])
        return rendered

    def _finish(self, row: Row, rendered: Rendered, encoded: Encoded) -> Outcome:
        if rendered.append_end and self.tokenizer.eos_token_id is None:
            raise FindingsError([finding("tokens.no_end", "model_id")])
        cut = cut_row(encoded.ids, encoded.turns, self.limit)
        if cut.code in ("tokens.nothing_supervised", "tokens.all_supervised"):
            return Outcome(cut, detail=why(cut.code))
        ends = [
            encoded.ids[stop - 1]
            for (_, stop), turn in zip(encoded.turns, rendered.turns, strict=True)
            if turn.closed or (rendered.append_end and turn is rendered.turns[-1])
        ]
        if not ends or not self._specials.ids.issuperset(ends):
            return dropped("tokens.no_end_token", tokens=len(encoded.ids))
        self.end_ids.update(ends)
        if cut.state == "dropped":
            detail = why(cut.code, tokens=len(encoded.ids), limit=self.limit)
            return Outcome(cut, turns=encoded.turns, detail=detail)
        self._note(row, rendered, encoded, cut)
        detail = why(cut.code, tokens=cut.tokens_cut, limit=self.limit) if cut.code else ""
        return Outcome(cut, turns=encoded.turns, detail=detail)

    def _note(self, row: Row, rendered: Rendered, encoded: Encoded, cut: Cut) -> None:
        noticed = {
            "tokens.end_appended": rendered.append_end and not rendered.begin,
            "tokens.open_turns": rendered.open_turns and not rendered.append_end,
            "tokens.rewritten": rendered.rewritten,
            "tokens.cut_at_answer": encoded.cut,
            "tokens.blurred": encoded.blurred,
            cut.code: cut.state in ("truncated", "lost_end"),
        }
        for code, true in noticed.items():
            if true:
                self.notes.add(code, row)

    def _note_control_text(self, row: Row, texts: Sequence[str]) -> None:
        if any(self._specials.first(text) for text in texts):
            self.notes.add("tokens.control_text", row)

    def _conversation(self, row: Row) -> tuple[list[dict[str, Any]], int]:
        """Return the messages through the last answer, and how many come after it.

        Nothing is learned from those.
        """
        fields: dict[str, Any] = row.fields or {}
        given: Sequence[Message] = (
            fields["messages"] if self.format == "jsonl_chat" else instruction_messages(fields)
        )
        kept = len(given)
        while kept and given[kept - 1]["role"] != ASSISTANT:
            kept -= 1
        return [dict(message) for message in given[:kept]], len(given) - kept


def _alive(fates: Iterable[_Fate]) -> Iterator[tuple[Row, Rendered]]:
    for row, made in fates:
        if isinstance(made, Rendered):
            yield row, made


def dropped(code: str, detail: str = "", tokens: int = 0) -> Outcome:
    """Return the outcome of a row that cannot be used."""
    return Outcome(Cut("dropped", tokens_cut=tokens, code=code), detail=why(code, detail=detail))
