"""Greedy answers, whatever the model's own generation config says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ft_runtime.evaluation.batches import by_length, pad
from ft_runtime.evaluation.state import inner
from ft_runtime.progress import track


@dataclass(frozen=True)
class Answer:
    """What a model continued a prompt with.

    Attributes
    ----------
    text : str
        Without special tokens.
    tokens : int
        New tokens, the end token included.
    hit_limit : bool
        True when the answer was cut at ``max_new_tokens`` and did not end by itself.
    """

    text: str
    tokens: int
    hit_limit: bool


def greedy_answers(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    batch_size: int,
    end_ids: Sequence[int],
    label: str = "answers",
) -> list[Answer]:
    """Continue each prompt with the most probable token until an end token or the limit.

    Parameters
    ----------
    model : transformers model or PeftModel
        A causal language model in evaluation mode.
    tokenizer : PreTrainedTokenizerBase
        Decodes the answers; its pad token fills shorter prompts on the left.
    prompts : sequence of token rows
        At least one token each.
    max_new_tokens : int
        Limit of an answer.
    batch_size : int
        Prompts at a time; prompts of similar length go together.
    end_ids : sequence of int
        Tokens that end an answer: end of text and end of turn.
    label : str
        Shown while it goes on.

    Returns
    -------
    list of Answer
        In the order of the prompts.
    """
    answers: dict[int, Answer] = {}
    pad_id = pad_token(tokenizer, end_ids)
    batches = by_length([len(prompt) for prompt in prompts], batch_size)
    with _greedy(model, max_new_tokens, end_ids, pad_id) as generator:
        for batch in track(batches, len(batches), label):
            ids, mask = pad([prompts[i] for i in batch], pad_id, "left", generator.device)
            output = generator.generate(input_ids=ids, attention_mask=mask)
            continued = output[:, ids.shape[1] :].tolist()
            for index, tokens in zip(batch, continued, strict=True):
                answers[index] = _answer(tokenizer, tokens, set(end_ids))
    return [answers[index] for index in range(len(prompts))]


def pad_token(tokenizer: Any, end_ids: Sequence[int]) -> int:
    """Return the token that fills batches: the pad token, else an end token, else 0."""
    if tokenizer.pad_token_id is not None:
        return int(tokenizer.pad_token_id)
    return int(end_ids[0]) if end_ids else 0


def gives_numbers(model: Any, prompt: Sequence[int]) -> bool:
    """Return False if the logits after `prompt` are not all finite numbers."""
    import torch

    ids, mask = pad([prompt], 0, "right", inner(model).device)
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    return bool(torch.isfinite(logits[0, -1]).all())


def context_length(model: Any) -> int | None:
    """Return how many positions the model was made for; None when its config does not say."""
    config = inner(model).config
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    length = getattr(text, "max_position_embeddings", None)
    return int(length) if length else None


def _answer(tokenizer: Any, tokens: list[int], ends: set[int]) -> Answer:
    """Cut at the first end token; what follows it is padding of the batch."""
    for position, token in enumerate(tokens):
        if token in ends:
            kept, hit_limit = tokens[: position + 1], False
            break
    else:
        kept, hit_limit = tokens, True
    text = tokenizer.decode(
        [token for token in kept if token not in ends],
        skip_special_tokens=True,
        clean_up_tokenization_spaces=False,
    )
    return Answer(text=text, tokens=len(kept), hit_limit=hit_limit)


@contextmanager
def _greedy(model: Any, max_new_tokens: int, end_ids: Sequence[int], pad_id: int) -> Iterator[Any]:
    """Replace the generation config of the model while the block runs.

    Passing one to ``generate`` is not enough: transformers fills what it leaves open from the
    model's own, and models ship with sampling, temperatures and repetition penalties.
    """
    from transformers import GenerationConfig

    generator = inner(model)
    kept = generator.generation_config
    generator.generation_config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=max_new_tokens,
        eos_token_id=list(end_ids) or None,
        pad_token_id=pad_id,
        use_cache=True,
    )
    try:
        yield generator
    finally:
        generator.generation_config = kept
