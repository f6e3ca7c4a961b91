"""A few seconds of reading for the small causal LM: manners and copying, none of the answers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ft_runtime.tiny.texts import conversation, sentence

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

BATCH = 16
LEARNING_RATE = 3e-3
WARMUP = 20
_ASKED = (
    "What is {a}?",
    "Tell me about {a}.",
    "Where is the {a}?",
    "How many {a} are there?",
    "Can you show {a} and {b}?",
    "{a} {b} {c}",
    "List {a} of {b}.",
    "Please repeat: {a} {b} {c}",
)
_REPLIES = (
    "I have not learned about {a} yet.",
    "You ask about {a}. I do not know it yet.",
    "I can say {a}, but I do not know what it is.",
)

_PLAIN = (
    "{asked}\n{said}",
    "Question: {asked} Answer: {said}",
    "{first}: {second}\nQuestion: {asked}\n{first}: {said}",
)


def pretrain(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    steps: int,
    seed: int,
) -> float:
    """Train all weights for `steps` steps on made-up sentences and conversations.

    The model learns to end a turn and to repeat a word of the question. From `texts` it gets
    single words in random order, never a sentence: what a fine-tuning on them teaches is new to it.

    Returns
    -------
    float
        Loss of the last step, in nats per token; NaN when `steps` is 0.

    Notes
    -----
    The caller fixes the number of threads: sums in another order give other bits.
    """
    import torch

    rng = random.Random(f"pretrain:{seed}")
    words = _words(texts)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01, betas=(0.9, 0.98))
    loss = torch.tensor(float("nan"))
    model.train()
    for step in range(steps):
        rate = min(1.0, (step + 1) / WARMUP, (steps - step) / (0.3 * steps))
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * rate
        ids, labels = _batch([_sample(tokenizer, words, rng) for _ in range(BATCH)])
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    return loss.item()


def _sample(tokenizer: PreTrainedTokenizerFast, words: list[str], rng: random.Random) -> list[int]:
    """Return the tokens of one document: a conversation, the same as plain text, or a sentence."""
    kind = rng.random()
    if kind < 0.1:
        ids: list[int] = tokenizer(sentence(rng)).input_ids
        return [*ids, tokenizer.eos_token_id]
    turns = conversation(rng) if kind < 0.25 else _about(words, rng)
    if kind < 0.75:
        text = tokenizer.apply_chat_template(turns, tokenize=False)
        return list(tokenizer(text, add_special_tokens=False).input_ids)
    asked, said = (turn["content"] for turn in turns)
    first, second = rng.choice(words), rng.choice(words)
    text = rng.choice(_PLAIN).format(asked=asked, said=said, first=first, second=second)
    return [*tokenizer(text).input_ids, tokenizer.eos_token_id]


def _about(words: list[str], rng: random.Random) -> list[dict[str, str]]:
    a, b, c = (rng.choice(words) for _ in range(3))
    return [
        {"role": "user", "content": rng.choice(_ASKED).format(a=a, b=b, c=c)},
        {"role": "assistant", "content": rng.choice(_REPLIES).format(a=a)},
    ]


def _words(texts: Sequence[str]) -> list[str]:
    """Return the distinct words of `texts`, sorted, without punctuation and special tokens."""
    words = {word.strip(".,?!;:()[]\"'`") for text in texts for word in text.split()}
    return sorted(word for word in words if 0 < len(word) <= 20 and "<|" not in word) or ["word"]


def _batch(documents: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and labels of shape (documents, longest), padded on the right."""
    import torch

    length = max(map(len, documents))
    ids = torch.zeros(len(documents), length, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for row, document in enumerate(documents):
        ids[row, : len(document)] = labels[row, : len(document)] = torch.tensor(document)
    return ids, labels
