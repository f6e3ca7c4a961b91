"""A training small enough for a test: random token rows, a random Llama with dropout, LoRA or full.

Everything is made from the seed, so two processes that call `build` get the same training. Dropout is
on, so that a random state that was not restored shows in the weights.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ft_runtime.config import apply_overrides, load_config
from ft_runtime.devices import Device
from ft_runtime.runs import Run, start_run
from ft_runtime.tokens.ledger import Ledger
from ft_runtime.tokens.prepared import PreparedData
from ft_runtime.tokens.table import Table
from ft_runtime.training import build_trainer, training_arguments

CPU = Device(type="cpu", name="test CPU", precision="none", reason="")
VOCABULARY = 64


class ToyTokenizer:
    """All that the collator and the Trainer ask of a tokenizer here."""

    pad_token_id = 0
    padding_side = "right"

    def __len__(self) -> int:
        return 64

    def save_pretrained(self, folder: str) -> None:
        (Path(folder) / "tokenizer.json").write_text("{}")


def toy_config(folder: Path, *overrides: str) -> Any:
    """20 training rows, batches of 2, 2 epochs: 20 optimizer steps, a checkpoint every 5."""
    document = {
        "model_id": "toy",
        "tune_type": "lora",
        "lora": {"r": 2, "alpha": 4, "dropout": 0.1},
        "hyperparams": {"num_epochs": 2, "batch_size_train": 2, "learning_rate": 1e-2},
        "dataset": {"path": "toy.jsonl", "format": "jsonl_prompt"},
        "logs": "none",
        "hw": {"device": "cpu"},
        "artifacts": {"output_dir": str(folder), "save_strategy": "steps", "save_steps": 5},
    }
    document = apply_overrides(document, overrides)
    if document["tune_type"] == "full":
        del document["lora"]
    return load_config(document)


def toy_data(train: int = 20, val: int = 4, seed: int = 0, longest: int = 12) -> PreparedData:
    """Rows of 4 to `longest` random tokens, the first two of them without loss."""
    random = torch.Generator().manual_seed(seed)
    tables = {}
    number = 0
    for split, count in (("train", train), ("val", val), ("test", 0)):
        tables[split] = table = Table(classes=False)
        for _ in range(count):
            number += 1
            length = int(torch.randint(4, longest + 1, (), generator=random))
            ids = torch.randint(1, VOCABULARY, (length,), generator=random).tolist()
            table.add(number, ids, [-100, -100, *ids[2:]])
    datasets = {split: table.dataset() for split, table in tables.items()}
    return PreparedData(**datasets, ledger=Ledger([], 0), examples={})


def toy_model(config: Any, dropout: float = 0.1, tied: bool = False) -> Any:
    """A Llama of about 10,000 parameters, with the config's adapter."""
    torch.manual_seed(config.seed)
    shape = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        attention_dropout=dropout,
        tie_word_embeddings=tied,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(shape)
    if config.tune_type == "full":
        return model
    from peft import LoraConfig, get_peft_model

    adapter = LoraConfig(
        r=config.lora.r,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout if dropout else 0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, adapter)


def build(config: Any, data: PreparedData | None = None, run: Run | None = None, **options: Any) -> tuple[Any, Run]:  # fmt: skip
    """Start the run and return its trainer, ready for `ft_runtime.training.train`."""
    torch.set_num_threads(1)
    run = run or start_run(config, CPU)
    data = data or toy_data()
    args = training_arguments(config, CPU, run, progress=False)
    model = toy_model(config, **options)
    return build_trainer(config, model, args, ToyTokenizer(), data, run), run


def weights_digest(model: Any) -> str:
    """SHA-256 over every trainable tensor, in the order of names: equal means equal bit for bit."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.named_parameters()):
        if tensor.requires_grad:
            digest.update(name.encode())
            digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def new_process() -> None:
    """Let go of all runs, as the end of their process would."""
    from ft_runtime.runs import start

    for run in start._open.values():
        run.close()
    start._open.clear()
