"""Following one assistant turn through a template that looks at what is said.

Templates for models that think drop the thoughts of earlier turns and put an empty thought where
there is none. Then the surroundings of a content depend on it, and each turn is found by rendering
the row itself with a mark in place of that one content, or by the prompt of inference.
"""

from __future__ import annotations

from collections.abc import Sequence

from ft_runtime.tokens.content import Message, with_text
from ft_runtime.tokens.shape import Turn, closing, mark
from ft_runtime.tokens.specials import Specials
from ft_runtime.tokens.template import ChatRenderer, RefusalError


def follow(
    renderer: ChatRenderer,
    specials: Specials,
    messages: Sequence[Message],
    index: int,
    full: str,
    closers: frozenset[str],
) -> Turn | None:
    """Find the assistant turn `index` in `full`, the rendering of `messages`.

    Returns
    -------
    Turn or None
        None when no way gives the turn exactly.

    Raises
    ------
    RefusalError
        When the template renders the row but not the row with another answer.
    """
    prompt = _prompt(renderer, messages, index)
    alone = renderer.render(messages[: index + 1])
    if messages[index].get("tool_calls"):
        return _calling(specials, prompt, alone, full)
    own = _after_mark(renderer, messages[: index + 1], index, alone)
    span = _between(renderer, messages, index, full) or _by_prompt(prompt, alone, own, full)
    if span is None:
        return None
    start, end = span
    if prompt is not None and full.startswith(prompt) and len(prompt) <= end:
        start = min(start, len(prompt))
    after, closed = closing(specials, own, full[end:], closers)
    return Turn(start, end + after, closed)


def _calling(specials: Specials, prompt: str | None, alone: str, full: str) -> Turn | None:
    """Return a turn that calls tools: words and calls, through the last control token behind them.

    How a template writes calls is its own affair, so the turn is all that follows the prompt.
    """
    if prompt is None or not alone.startswith(prompt) or not full.startswith(alone):
        return None
    ends = [match.end() for match in specials.pattern.finditer(alone, len(prompt))]
    return Turn(len(prompt), ends[-1] if ends else len(alone), bool(ends))


def _between(
    renderer: ChatRenderer, messages: Sequence[Message], index: int, full: str
) -> tuple[int, int] | None:
    """Return what stands in `full` where a mark stands when it is said instead."""
    around = _around_mark(renderer, messages, index, full)
    if around is None:
        return None
    before, after = around
    fits = len(before) + len(after) <= len(full)
    if fits and full.startswith(before) and full.endswith(after):
        return len(before), len(full) - len(after)
    return None


def _by_prompt(
    prompt: str | None, alone: str, own: str | None, full: str
) -> tuple[int, int] | None:
    """Return what follows the prompt of inference, if the conversation so far stays whole."""
    if prompt is None or own is None:
        return None
    exact = full.startswith(alone) and alone.startswith(prompt) and alone.endswith(own)
    end = len(alone) - len(own)
    return (len(prompt), end) if exact and len(prompt) <= end else None


def _prompt(renderer: ChatRenderer, messages: Sequence[Message], index: int) -> str | None:
    """Return the prompt of inference for turn `index`; None if it lacks what was said last."""
    if index == 0:
        return None
    try:
        prompt = renderer.render(messages[:index], generation=True)
        # A template that shows only finished exchanges would make the question part of the answer.
        marked, sign = _marked(messages[:index], index - 1, prompt)
        shown = renderer.render(marked, generation=True)
    except RefusalError:
        return None
    return prompt if sign in shown else None


def _after_mark(
    renderer: ChatRenderer, messages: Sequence[Message], index: int, full: str
) -> str | None:
    around = _around_mark(renderer, messages, index, full)
    return around[1] if around else None


def _around_mark(
    renderer: ChatRenderer, messages: Sequence[Message], index: int, full: str
) -> tuple[str, str] | None:
    marked, sign = _marked(messages, index, full)
    before, found, after = renderer.render(marked).partition(sign)
    return (before, after) if found and sign not in after else None


def _marked(messages: Sequence[Message], index: int, full: str) -> tuple[list[Message], str]:
    """Return the messages with a mark, found nowhere in `full`, for what message `index` says."""
    number = 0
    while mark(number) in full:
        number += 1
    marked = [*messages[:index], with_text(messages[index], mark(number)), *messages[index + 1 :]]
    return marked, mark(number)
