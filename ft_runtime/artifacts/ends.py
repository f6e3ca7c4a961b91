"""Where a tuned model stops: written beside its weights, so that whoever loads it need not know.

A base model's generation config names the end of a text. What was learned is the end of a turn,
which many chat templates write with another token; without it, generation would run on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ft_runtime.evaluation.state import inner

if TYPE_CHECKING:
    from ft_runtime.config import Config

_CHAT_FORMATS = ("jsonl_chat", "jsonl_instr")
_EXCHANGE = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"})


def end_token_ids(config: Config, tokenizer: Any) -> tuple[int, ...]:
    """Return the end of text and, for chats, the token that the template ends an answer with."""
    found = {tokenizer.eos_token_id}
    if config.dataset.format in _CHAT_FORMATS:
        found.add(_end_of_turn(tokenizer))
    return tuple(sorted(token for token in found if token is not None))


def _end_of_turn(tokenizer: Any) -> int | None:
    from ft_runtime.tokens.mask import MaskError, TurnFinder
    from ft_runtime.tokens.specials import specials_of
    from ft_runtime.tokens.template import ChatRenderer

    renderer = ChatRenderer(tokenizer, datetime.now(timezone.utc))
    try:
        rendered = TurnFinder(renderer, specials_of(tokenizer)).find(_EXCHANGE)
    except MaskError:
        return None
    turn = rendered.turns[-1]
    if not turn.closed:
        return None
    return int(tokenizer(rendered.text[: turn.end], add_special_tokens=False)["input_ids"][-1])


@contextmanager
def stopping_at(model: Any, ends: Sequence[int]) -> Iterator[None]:
    """Add `ends` to the end tokens of the model's generation config while the block saves it."""
    settings = getattr(inner(model), "generation_config", None)
    if settings is None or not ends:
        yield
        return
    kept = settings.eos_token_id
    own = kept if isinstance(kept, list) else [kept]
    together = sorted({*ends, *(token for token in own if token is not None)})
    settings.eos_token_id = together if len(together) > 1 else together[0]
    try:
        yield
    finally:
        settings.eos_token_id = kept
