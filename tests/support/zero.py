"""Trainings with DeepSpeed by two processes on a CPU: ``accelerate launch ... zero.py FOLDER``.

What every process saw of a story is written to ``FOLDER/zero<stage>/<story>.<rank>.json``.
"""

from __future__ import annotations

import functools
import gc
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
from ft_runtime.training import partitions
from support import sharded, toy_training
from support.sharded import sitting
from support.together import At, full_disk

STAGE = "ACCELERATE_DEEPSPEED_ZERO_STAGE"
FILE = "ACCELERATE_DEEPSPEED_CONFIG_FILE"
FIELDS = "ACCELERATE_CONFIG_DS_FIELDS"
SMALL = "hyperparams.tokens_per_batch=16"
CLIP = 0.05


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
    model.get_input_embeddings().register_forward_hook(lambda *given: given[2] * float("nan"))


def stopped(folder: Path) -> dict[str, Any]:
    """A loss that is no number, and what it did to the weights."""
    models: list[Any] = []

    def remember(model: Any) -> None:
        models.append(model)
        if processes.rank() == 1:
            no_number(model)

    seen = sitting(folder, at=At(processes.rank(), 8, remember))
    weights = partitions.gather(models[0], trained_only=True)
    finite = all(bool(weight.isfinite().all()) for weight in weights.values())
    if processes.is_main():
        folder.with_suffix(".finite").write_text(str(finite))
    return seen


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


SAME: dict[str, tuple[list[str], dict[str, Any]]] = {
    "lora": ([], {}),
    "tied": (["tune_type=full"], {"tied": True}),
    "uneven": (["hyperparams.gradient_accumulation=2"], {"rows": 13}),
    "clipped": (
        ["tune_type=full", "hyperparams.optimizer=sgd", f"hyperparams.max_grad_norm={CLIP}"], {}
    ),
    "recomputed": (["hyperparams.gradient_checkpointing=on"], {}),
}  # fmt: skip
"""Trainings whose outcome is that of one process: what they ask for, and their data and model."""
TOLD = {1: ("lora", "uneven"), 2: ("lora", "tied", "uneven"), 3: tuple(SAME)}
"""Which of them are told of each stage."""


def stories(folder: Path, stage: int) -> dict[str, Callable[[], dict[str, Any]]]:
    def same(name: str) -> dict[str, Any]:
        overrides, options = SAME[name]
        # Few tokens in a micro-batch: two processes have a different number of them in some steps.
        return sitting(folder / name, SMALL, *overrides, dropout=0.0, **options)

    return {
        **{name: functools.partial(same, name) for name in TOLD[stage]},
        "half": lambda: half(folder / "half"),
        "whole": lambda: sitting(folder / "whole"),
        "paused": lambda: sitting(folder / "run", at=At(1, 7, sharded.terminate)),
        "resumed": lambda: sitting(folder / "run"),
        "nan": lambda: stopped(folder / "nan"),
    }


def more(folder: Path) -> dict[str, Callable[[], dict[str, Any]]]:
    """What is the same in every stage."""
    tied = {"tied": True, "dropout": 0.0}
    whole = functools.partial(sitting, folder / "tied_run", SMALL, "tune_type=full", **tied)
    return {
        "complete": lambda: sitting(folder / "run"),
        "tied_paused": lambda: whole(at=At(0, 7, sharded.terminate)),
        "tied_resumed": whole,
        "disk": lambda: full_disk(functools.partial(sitting, folder / "disk")),
        "disk_resumed": lambda: sitting(folder / "disk"),
    }


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    gc.freeze()  # each story ends with a search through all that was imported
    # By default all weights of a model as small as this one stay where they are used.
    zero = {"stage": 3, "stage3_param_persistence_threshold": 0}
    sizes = dict.fromkeys(("train_batch_size", "train_micro_batch_size_per_gpu"), "auto")
    divided = folder / "divided.json"
    divided.write_text(json.dumps({"zero_optimization": zero, **sizes}))
    asked = {
        1: {STAGE: "1"},
        2: {STAGE: "2"},
        3: {STAGE: "3", FILE: str(divided), FIELDS: "deepspeed_config_file"},
    }
    for stage, variables in asked.items():
        place = folder / f"zero{stage}"
        place.mkdir(exist_ok=True)
        with asking(**variables):
            told = stories(place, stage) | (more(place) if stage == 3 else {})
            for name, story in told.items():
                tell(place, name, story())
    with asking(**asked[2]):
        place = folder / "zero3"
        tell(place, "other_stage", sitting(place / "run"))


def tell(place: Path, name: str, seen: dict[str, Any]) -> None:
    (place / f"{name}.{processes.rank()}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    processes.leave()
