"""Where in a rendered conversation the assistant speaks, exactly, for any chat template.

Nothing is searched for by its looks. A conversation of the same roles is rendered with a mark in
place of each content (`shape.py`). Filled with the row's contents, that shape must give its own
rendering, character for character; then the places of the contents are known. A template that
changes what surrounds a content because of the content is followed turn by turn (`follow.py`).

An assistant turn begins where the prompt of inference ends: the rendering of the messages before it
with ``add_generation_prompt``. It goes on through the first control token that the template writes
after the content, which is how the model says that it has finished.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ft_runtime.data.formats.chat import said, texts
from ft_runtime.tokens.content import Message, in_parts
from ft_runtime.tokens.follow import follow
from ft_runtime.tokens.shape import ShapeBook, Turn
from ft_runtime.tokens.specials import Specials
from ft_runtime.tokens.template import ChatRenderer, PartsError, RefusalError


class MaskError(Exception):
    """A row cannot be used.

    Attributes
    ----------
    code : str
        Code of the catalogue.
    detail : str
        The template's own words, or empty.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Rendered:
    """One row as text, and the places in it that are learned.

    Attributes
    ----------
    text : str
    turns : tuple of Turn
        In order, without overlap.
    prompt : str
        What inference shows the model before the last answer.
    append_end : bool
        The end token goes behind the text: the template closes the last answer with none.
    begin : bool
        The tokenizer's own begin token goes before the text (raw prompts only).
    rewritten : bool
        The template left out or changed something that the row says.
    open_turns : int
        Answers before the last one that no control token ends.
    """

    text: str
    turns: tuple[Turn, ...]
    prompt: str
    append_end: bool
    begin: bool = False
    rewritten: bool = False
    open_turns: int = 0


def raw_row(prompt: str, completion: str) -> Rendered:
    """Return a prompt and its completion, without any template; the end token is appended."""
    text = prompt + completion
    return Rendered(text, (Turn(len(prompt), len(text), False),), prompt, True, begin=True)


class TurnFinder:
    """Renders conversations and finds the assistant turns in them.

    Parameters
    ----------
    renderer : ChatRenderer
    specials : Specials
    """

    def __init__(self, renderer: ChatRenderer, specials: Specials) -> None:
        self._renderer = renderer
        self._specials = specials
        self._shapes = ShapeBook(renderer, specials)

    def find(self, messages: Sequence[Message]) -> Rendered:
        """Render a conversation that ends with an assistant turn and find every assistant turn.

        Raises
        ------
        MaskError
            ``tokens.no_answer``; ``tokens.template_refused`` with the template's words;
            ``tokens.parts_refused`` when the template takes no content in parts;
            ``tokens.mask_not_exact`` when neither way finds a turn.
        """
        answers = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
        if not answers:
            raise MaskError("tokens.no_answer")
        try:
            full = self._renderer.render(messages)
        except PartsError as refusal:
            raise MaskError("tokens.parts_refused") from refusal
        except RefusalError as refusal:
            raise MaskError("tokens.template_refused", str(refusal)) from refusal
        return self._by_shape(messages, full) or self._by_following(messages, full, answers)

    def _by_shape(self, messages: Sequence[Message], full: str) -> Rendered | None:
        if any(set(message) != {"role", "content"} for message in messages):
            return None
        contents = [said(message) for message in messages]
        shape = self._shapes.of(*_kinds(messages))
        turns = shape.fit(contents, full) if shape else None
        if shape is None or turns is None:
            return None
        prompt = full[: turns[-1].start]
        if not shape.prompted:
            prompt = self._prompt(messages, prompt)
        left_out = (text for index, text in enumerate(contents) if index not in shape.order)
        return _rendered(full, turns, prompt, rewritten=any(text.strip() for text in left_out))

    def _by_following(self, messages: Sequence[Message], full: str, answers: list[int]) -> Rendered:
        closers = self._shapes.closers(*_kinds(messages))
        turns: list[Turn] = []
        rewritten = not all(_stands(message, full) for message in messages)
        for index in answers:
            try:
                turn = follow(self._renderer, self._specials, messages, index, full, closers)
            except RefusalError as refusal:
                raise MaskError("tokens.template_refused", str(refusal)) from refusal
            if turn is None or (turns and turn.start < turns[-1].end):
                raise MaskError("tokens.mask_not_exact", f"messages[{index}]")
            turns.append(turn)
            rewritten |= not _stands(messages[index], full[turn.start : turn.end])
        prompt = self._prompt(messages[: answers[-1] + 1], full[: turns[-1].start])
        return _rendered(full, turns, prompt, rewritten)

    def _prompt(self, messages: Sequence[Message], otherwise: str) -> str:
        """Return what inference shows the model before the last message."""
        try:
            return self._renderer.render(messages[:-1], generation=True)
        except RefusalError:
            return otherwise


def _kinds(messages: Sequence[Message]) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Return the roles, and which messages have a content in parts."""
    return tuple(message["role"] for message in messages), tuple(map(in_parts, messages))


def _stands(message: Message, text: str) -> bool:
    """Return whether all that a message says stands in a text."""
    return all(each.strip() in text for each in texts(message))


def _rendered(text: str, turns: Sequence[Turn], prompt: str, rewritten: bool = False) -> Rendered:
    last = turns[-1]
    if not last.closed:
        # Whatever the template writes after its last answer comes before the end token.
        turns = [*turns[:-1], Turn(last.start, len(text), False)]
    return Rendered(
        text=text,
        turns=tuple(turns),
        prompt=prompt,
        append_end=not last.closed,
        rewritten=rewritten,
        open_turns=sum(not turn.closed for turn in turns[:-1]),
    )
