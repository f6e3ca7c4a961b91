"""Rows of chat and a tokenizer for them, made from a seed: for preparation and start."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

SPECIAL = ("<|end|>", "<|start|>", "<|pad|>")
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|start|>' + message['role'] + '\\n' + message['content'] + '<|end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant\\n' }}{% endif %}"
)
_CONSONANTS = (
    "",
    "b",
    "ch",
    "d",
    "f",
    "g",
    "h",
    "l",
    "m",
    "n",
    "p",
    "qu",
    "r",
    "s",
    "st",
    "t",
    "tr",
)
_VOWELS = ("a", "e", "ea", "i", "o", "oo", "u", "y")


def write_rows(path: Path, rows: int, mean_words: int = 110, seed: int = 0) -> Path:
    """Write rows of question and answer; words follow Zipf's law, lengths are log-normal."""
    draw = random.Random(seed)
    words = sorted({_word(draw) for _ in range(40_000)})
    draw.shuffle(words)
    weights = [1.0 / (rank + 5) for rank in range(len(words))]
    cumulated = [0.0]
    for weight in weights:
        cumulated.append(cumulated[-1] + weight)
    sigma = 0.6
    mu = math.log(mean_words) - sigma**2 / 2
    with path.open("w", encoding="utf-8") as stream:
        for _ in range(rows):
            count = min(max(8, round(draw.lognormvariate(mu, sigma))), 600)
            said = _sentences(draw.choices(words, cum_weights=cumulated[1:], k=count), draw)
            cut = said.find(" ", int(len(said) * draw.uniform(0.3, 0.6))) + 1
            messages = [
                {"role": "user", "content": said[:cut].strip()},
                {"role": "assistant", "content": said[cut:].strip()},
            ]
            stream.write(json.dumps({"messages": messages}) + "\n")
    return path


def write_tokenizer(folder: Path, rows: Path, vocabulary: int = 32_000) -> None:
    """Train a byte-level BPE tokenizer on rows, and save it."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    # The pattern of GPT-4's kind of tokenizers: words with their space, digits by threes.
    pattern = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+"
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    with rows.open(encoding="utf-8") as stream:
        texts = [
            message["content"]
            for line, _ in zip(stream, range(4_000), strict=False)
            for message in json.loads(line)["messages"]
        ]
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=list(SPECIAL),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=SPECIAL[0],
        pad_token=SPECIAL[2],
        additional_special_tokens=[SPECIAL[1]],
        chat_template=TEMPLATE,
        model_max_length=4_096,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)


def write_model(folder: Path, vocabulary: int = 32_000) -> None:
    """Save a small Llama with random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=4_096,
        pad_token_id=2,
        eos_token_id=0,
        bos_token_id=None,
    )
    LlamaForCausalLM(shape).to(torch.bfloat16).save_pretrained(folder)


def _word(draw: random.Random) -> str:
    parts = draw.choices((1, 2, 3, 4), (3, 5, 3, 1))[0]
    return "".join(draw.choice(_CONSONANTS) + draw.choice(_VOWELS) for _ in range(parts)) + (
        draw.choice(("", "", "n", "s", "t", "ck", "ng"))
    )


def _sentences(words: list[str], draw: random.Random) -> str:
    made, place = [], 0
    while place < len(words):
        length = draw.randint(4, 18)
        part = words[place : place + length]
        if draw.random() < 0.2:
            part.insert(draw.randrange(len(part) + 1), str(draw.randrange(10_000)))
        made.append(" ".join(part).capitalize() + draw.choice((".", ".", ".", "?", ":\n", ".\n\n")))
        place += length
    return " ".join(made)
