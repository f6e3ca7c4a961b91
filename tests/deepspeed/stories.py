"""Trainings with DeepSpeed by two processes on a CPU: ``accelerate launch ... stories.py FOLDER``.

What every process saw of a story is written to ``FOLDER/<story>.<rank>.json``. With ``run`` in
place of a folder it does what ``python -m ft_runtime`` does.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ft_runtime import processes
from ft_runtime.devices import Device
from support import sharded, toy_training
from support.sharded import sitting
from support.together import At

STAGE = "ACCELERATE_DEEPSPEED_ZERO_STAGE"
FILE = "ACCELERATE_DEEPSPEED_CONFIG_FILE"
FIELDS = "ACCELERATE_CONFIG_DS_FIELDS"
SMALL = "hyperparams.tokens_per_batch=16"


@contextmanager
def asking(**variables: str) -> Iterator[None]:
    """Ask accelerate for something else than the launcher does."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def no_number(model: Any) -> None:
    """The next hidden states of one process are no numbers."""
    layer = model.get_input_embeddings()
    layer.register_forward_hook(lambda *_: _[2] * float("nan"))


@contextmanager
def precise(precision: str) -> Iterator[None]:
    whole = toy_training.CPU
    toy_training.CPU = Device(type="cpu", name="test CPU", precision=precision, reason="")
    try:
        yield
    finally:
        toy_training.CPU = whole


def half(folder: Path) -> dict[str, Any]:
    with precise("bf16"):
        return sitting(folder, dropout=0.0)


def stories(folder: Path) -> dict[str, Callable[[], dict[str, Any]]]:
    return {
        "lora": lambda: sitting(folder / "lora", dropout=0.0),
        "tied": lambda: sitting(folder / "tied", "tune_type=full", dropout=0.0, tied=True),
        "uneven": lambda: sitting(
            folder / "uneven", SMALL, "hyperparams.gradient_accumulation=2", rows=13, dropout=0.0
        ),
        "clipped": lambda: sitting(
            folder / "clipped", "tune_type=full", "hyperparams.max_grad_norm=0.05",
            "hyperparams.optimizer=sgd", SMALL, dropout=0.0,
        ),
        "half": lambda: half(folder / "half"),
        "whole": lambda: sitting(folder / "whole"),
        "paused": lambda: sitting(folder / "run", at=At(1, 7, sharded.terminate)),
        "resumed": lambda: sitting(folder / "run"),
        "complete": lambda: sitting(folder / "run"),
        "tied_paused": lambda: sitting(
            folder / "tied_run", "tune_type=full", dropout=0.0, tied=True,
            at=At(0, 7, sharded.terminate),
        ),
        "tied_resumed": lambda: sitting(
            folder / "tied_run", "tune_type=full", dropout=0.0, tied=True
        ),
        "nan": lambda: sitting(folder / "nan", at=At(1, 8, no_number)),
        "disk": lambda: sharded.full_disk(folder / "disk"),
        "disk_resumed": lambda: sitting(folder / "disk"),
    }  # fmt: skip


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    # By default every weight of a model as small as this one stays where it is used.
    divided = folder / "divided.json"
    for stage in map(int, os.environ.get('STAGES','123')):
        variables = {STAGE: str(stage)}
        if stage == 3:
            zero = {"stage": 3, "stage3_param_persistence_threshold": 0}
            divided.write_text(json.dumps({"zero_optimization": zero, "train_batch_size": "auto", "train_micro_batch_size_per_gpu": "auto"}))
            variables |= {FILE: str(divided), FIELDS: "deepspeed_config_file"}
        place = folder / f"zero{stage}"
        place.mkdir(exist_ok=True)
        for name, story in stories(place).items():
            with asking(**variables):
                seen = story()
            (place / f"{name}.{processes.rank()}.json").write_text(json.dumps(seen))


def command(arguments: list[str]) -> int:
    from ft_runtime.cli import main as run

    torch.set_num_threads(1)
    return run(arguments)


if __name__ == "__main__":
    if sys.argv[1] == "run":
        sys.exit(command(sys.argv[1:]))
    main(Path(sys.argv[1]))
    processes.leave()
