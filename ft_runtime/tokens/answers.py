"""Rows with an answer to learn: chat, instruction, prompt and completion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import FindingsError, finding
from ft_runtime.tokens.cut import Cut, Turns, cut_row
from ft_runtime.tokens.encode import Encoded, Encoder
from ft_runtime.tokens.mask import MaskError, Rendered, TurnFinder, raw_row
from ft_runtime.tokens.notes import Notes, why
from ft_runtime.tokens.prepared import Example
from ft_runtime.tokens.shape import ASSISTANT
from ft_runtime.tokens.specials import specials_of
from ft_runtime.tokens.template import ChatRenderer, instruction_messages, said

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.data.rows import Row

_BATCH = 512


@dataclass(frozen=True)
class Outcome:
    """What became of a row.

    Attributes
    ----------
    cut : Cut
        Token ids, labels and state.
    example : Example or None
        None for a dropped row.
    label : int or None
        Number of the class, for classification.
    turns : sequence of (int, int)
        Supervised tokens of the whole row; empty if it could not be encoded.
    detail : str
        The reason in words.
    """

    cut: Cut
    example: Example | None = None
    label: int | None = None
    turns: Turns = ()
    detail: str = ""


@dataclass(frozen=True)
class _Pending:
    """A rendered row that waits for its tokens."""

    row: Row
    rendered: Rendered
    example: Example


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
        self.uses_clock = False
        if self.format == "jsonl_prompt":
            return
        if not self.tokenizer.chat_template:
            raise FindingsError([finding("tokens.no_template", "model_id")])
        renderer = ChatRenderer(self.tokenizer, self.moment)
        self.uses_clock = renderer.uses_clock
        self._finder = TurnFinder(renderer, self._specials)

    def outcomes(self, rows: Sequence[Row]) -> Iterator[tuple[Row, Outcome]]:
        """Yield every row with what became of it; not in order."""
        for first in range(0, len(rows), _BATCH):
            pending: list[_Pending] = []
            for row in rows[first : first + _BATCH]:
                try:
                    pending.append(self._render(row))
                except MaskError as error:
                    yield row, dropped(error.code, error.detail)
            encoded = self._encoder.encode([item.rendered for item in pending])
            for item, tokens in zip(pending, encoded, strict=True):
                yield item.row, self._finish(item, tokens)

    def _render(self, row: Row) -> _Pending:
        fields: dict[str, Any] = row.fields or {}
        if self.format == "jsonl_prompt":
            rendered = raw_row(fields["prompt"], fields["completion"])
            self._note_control_text(row, [fields["prompt"], fields["completion"]])
            if not (fields["prompt"][-1:].isspace() or fields["completion"][:1].isspace()):
                self.notes.add("tokens.touching", row)
            example = Example(row.number, prompt=rendered.prompt, reference=fields["completion"])
            return _Pending(row, rendered, example)
        chat = self.format == "jsonl_chat"
        messages = fields["messages"] if chat else instruction_messages(fields)
        messages = self._up_to_last_answer(row, [dict(message) for message in messages])
        rendered = self._finder.find(messages)
        self._note_control_text(row, [said(message) for message in messages])
        example = Example(
            row.number, messages, prompt=rendered.prompt, reference=said(messages[-1])
        )
        return _Pending(row, rendered, example)

    def _finish(self, item: _Pending, encoded: Encoded) -> Outcome:
        rendered = item.rendered
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
        self._note(item.row, rendered, encoded, cut)
        detail = why(cut.code, tokens=cut.tokens_cut, limit=self.limit) if cut.code else ""
        return Outcome(cut, item.example, turns=encoded.turns, detail=detail)

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

    def _up_to_last_answer(self, row: Row, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Leave out messages behind the last answer: nothing is learned from them."""
        while messages and messages[-1]["role"] != ASSISTANT:
            messages = messages[:-1]
        if len(messages) < len((row.fields or {}).get("messages", messages)) and messages:
            self.notes.add("tokens.trailing_messages", row)
        return messages


def dropped(code: str, detail: str = "", tokens: int = 0) -> Outcome:
    """Return the outcome of a row that cannot be used."""
    return Outcome(Cut("dropped", tokens_cut=tokens, code=code), detail=why(code, detail=detail))
