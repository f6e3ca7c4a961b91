"""The rows and the model that every variant trains: made from a seed, without a network."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
from dataclasses import asdict, dataclass
from pathlib import Path

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")


@dataclass(frozen=True)
class Shape:
    """A workload: instruction rows of log-normal length, and a Llama with random weights.

    `mean` and `sigma` are those of the length in tokens and of its logarithm; the supervised share
    of a row is uniform between `answer_low` and `answer_high`.
    """

    rows: int = 104
    held_out: int = 24
    mean: float = 180.0
    sigma: float = 0.8
    shortest: int = 16
    longest: int = 1024
    answer_low: float = 0.35
    answer_high: float = 0.75
    vocabulary: int = 32_000
    hidden: int = 256
    intermediate: int = 704
    layers: int = 6
    heads: int = 8
    kv_heads: int = 4
    seed: int = 0

    def digest(self) -> str:
        """Name of the folder: two workloads that differ in anything never share one."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Row:
    """Prompt and answer as numbers of words; the end token comes on top of the answer."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    @property
    def tokens(self) -> int:
        return len(self.prompt) + len(self.answer) + 1

    @property
    def supervised(self) -> int:
        return len(self.answer) + 1

    def texts(self) -> dict[str, str]:
        """As a row of a prompt-completion file."""
        prompt = " ".join(map(word, self.prompt))
        return {"prompt": prompt, "completion": " " + " ".join(map(word, self.answer))}

    def encoded(self) -> dict[str, list[int]]:
        """As token ids with labels, -100 where no loss is taken."""
        ids = [token_id(number) for number in (*self.prompt, *self.answer)]
        ids.append(SPECIAL.index("</s>"))
        mask = [1] * len(ids)
        labels = [-100] * len(self.prompt) + ids[len(self.prompt) :]
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def word(number: int) -> str:
    return f"w{number}"


def token_id(number: int) -> int:
    return number + len(SPECIAL)


def make_rows(shape: Shape) -> tuple[list[Row], list[Row]]:
    """Return training and held-out rows; words follow Zipf's law: there is something to learn."""
    draw = random.Random(shape.seed)
    words = shape.vocabulary - len(SPECIAL)
    weights = list(itertools.accumulate(1.0 / (rank + 10) for rank in range(words)))
    names = list(range(words))
    draw.shuffle(names)
    # The mean of a log-normal is exp(mu + sigma² / 2).
    mu = math.log(shape.mean) - shape.sigma**2 / 2
    made = []
    while len(made) < shape.rows + shape.held_out:
        length = round(draw.lognormvariate(mu, shape.sigma))
        if not shape.shortest <= length <= shape.longest:
            continue
        share = draw.uniform(shape.answer_low, shape.answer_high)
        answer = max(1, round(length * share) - 1)
        drawn = draw.choices(names, cum_weights=weights, k=length - 1)
        made.append(Row(tuple(drawn[: length - 1 - answer]), tuple(drawn[length - 1 - answer :])))
    return made[: shape.rows], made[shape.rows :]


def padding_share(lengths: list[int], batch: int) -> float:
    """Share of padding when rows are batched in this order, each batch padded to its longest."""
    padded = 0
    for start in range(0, len(lengths), batch):
        rows = lengths[start : start + batch]
        padded += max(rows) * len(rows)
    return 1 - sum(lengths) / padded


def build(shape: Shape, cache: Path) -> Path:
    """Write rows, tokenizer and model to a folder of the cache, once; needs torch."""
    folder = cache / f"workload-{shape.digest()}"
    if (folder / "done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    train, held = make_rows(shape)
    for name, rows in (("train", train), ("held_out", held)):
        texts = "".join(json.dumps(row.texts()) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(texts, encoding="utf-8")
        encoded = "".join(json.dumps(row.encoded()) + "\n" for row in rows)
        (folder / f"{name}_encoded.jsonl").write_text(encoded, encoding="utf-8")
    _tokenizer(shape).save_pretrained(folder / "model")
    _model(shape, folder / "model")
    (folder / "shape.json").write_text(json.dumps(asdict(shape)), encoding="utf-8")
    (folder / "done").touch()
    return folder


def _tokenizer(shape: Shape):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {name: number for number, name in enumerate(SPECIAL)}
    for number in range(shape.vocabulary - len(SPECIAL)):
        words[word(number)] = token_id(number)
    core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.decoder = decoders.WordPiece(prefix="##")
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=shape.longest,
        clean_up_tokenization_spaces=False,
    )


def _model(shape: Shape, folder: Path) -> None:
    """Save a Llama in bf16, as models on the hub are."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(shape.seed)
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=2 * shape.longest,
        tie_word_embeddings=False,
        pad_token_id=SPECIAL.index("<pad>"),
        bos_token_id=SPECIAL.index("<s>"),
        eos_token_id=SPECIAL.index("</s>"),
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
