"""A run up to the end of training, without the training: real rows, a small model, moved weights."""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import ft_runtime as ft
from ft_runtime.devices import Device
from support.tiny import shared_tiny_model

CPU = Device("cpu", "test CPU", "none")
COLOURS = ("red", "blue", "green", "black")


@dataclass
class Tuned:
    """What the verbs after training are called with."""

    config: Any
    model: Any
    tokenizer: Any
    data: Any
    run: Any


def made_up_row(format: str, number: int) -> dict[str, Any]:
    """A row with its number in it, so that no two are equal."""
    colour = random.Random(number).choice(COLOURS)
    asked, answer = (
        f"What colour is ball {number}, the {colour} one?",
        f"Ball {number} is {colour}.",
    )
    return {
        "jsonl_prompt": {"prompt": asked, "completion": f" {answer}"},
        "jsonl_instr": {"instruction": "Name the colour.", "input": asked, "output": answer},
        "jsonl_chat": {
            "messages": [
                {"role": "user", "content": asked},
                {"role": "assistant", "content": answer},
            ]
        },
        "csv_classification": {"text": asked, "label": colour},
    }[format]


def write_rows(path: Path, rows: list[dict[str, Any]], format: str) -> Path:
    """Write rows as JSONL, or as CSV for classification."""
    if format == "csv_classification":
        stream = io.StringIO()
        writer = csv.DictWriter(stream, ["text", "label"])
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(stream.getvalue(), encoding="utf-8")
    else:
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def tuned(
    folder: Path,
    tune_type: str = "lora",
    format: str = "jsonl_chat",
    rows: list[dict[str, Any]] | None = None,
    move: float = 0.3,
    **sections: Any,
) -> Tuned:
    """Prepare everything and move the trainable weights by noise of size `move`."""
    classes = format == "csv_classification"
    rows = rows or [made_up_row(format, number) for number in range(40)]
    path = write_rows(folder / ("rows.csv" if classes else "rows.jsonl"), rows, format)
    document: dict[str, Any] = {
        "provider": "hf_local",
        "model_id": str(shared_tiny_model("encoder" if classes else "causal")),
        "tune_type": tune_type,
        "hyperparams": {"max_seq_len": 128, "batch_size_eval": 4, "learning_rate": 1e-5},
        "dataset": {
            "path": str(path),
            "format": format,
            "split": {"train": 0.5, "val": 0.5, "strategy": "tail"},
        },
        "eval": {
            "metrics": ["accuracy", "f1"]
            if classes
            else ["perplexity", "rouge", "bleu", "exact_match"],
            "max_rows": 8,
            "max_new_tokens": 12,
            "bootstrap_samples": 200,
        },
        "logs": "none",
        "hw": {"device": "cpu"},
        "artifacts": {"output_dir": str(folder / "run")},
    }
    for name, value in sections.items():
        if isinstance(value, dict):
            document.setdefault(name, {}).update(value)
        else:
            document[name] = value
    if tune_type != "full":
        document.setdefault("lora", {}).setdefault("r", 4)
    torch.set_num_threads(1)
    config = ft.load_config(document)
    run = ft.start_run(config, CPU)
    read = ft.load_rows(config)
    tokenizer = ft.load_tokenizer(config)
    data = ft.prepare_data(config, read, ft.split_rows(read, config), tokenizer, run)
    model = ft.load_model(config, CPU, tokenizer, data.label_names, run)
    move_weights(model, move)
    return Tuned(config, model.train(), tokenizer, data, run)


def move_weights(model: Any, size: float) -> None:
    """Add seeded noise to every trainable tensor, in proportion to its own size where it has one."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for _, tensor in sorted(model.named_parameters()):
            if tensor.requires_grad:
                scale = float(tensor.abs().mean()) or 0.1
                noise = torch.randn(tensor.shape, generator=generator)
                tensor.add_((size * scale * noise).to(tensor.dtype))


def learn(made: Tuned, steps: int = 30, learning_rate: float = 5e-3) -> None:
    """Train on the first rows, plainly."""
    trained = [tensor for tensor in made.model.parameters() if tensor.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=learning_rate)
    rows = made.data.train.to_list()[:20]
    for step in range(steps):
        row = rows[step % len(rows)]
        labels = row["labels"]
        made.model(
            input_ids=torch.tensor([row["input_ids"]]),
            labels=torch.tensor([labels]) if isinstance(labels, list) else torch.tensor(labels),
        ).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def close(made: Tuned) -> None:
    """Let go of the run folder."""
    made.run.close()
