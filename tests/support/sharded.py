"""Trainings with spread weights (FSDP 2) by two processes on a CPU: ``torchrun ... sharded.py FOLDER``.

accelerate spreads weights over GPUs alone. torch spreads them over CPUs as well, so here accelerate
is told that these processes have a GPU each, at the one place where it asks; all the rest is as on
GPUs. What every process saw of a story is written to ``FOLDER/<story>.<rank>.json``.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from accelerate.state import AcceleratorState, DistributedType, PartialState
from transformers import TrainerCallback

from ft_runtime import processes
from ft_runtime.devices import Device
from ft_runtime.findings import FindingsError
from ft_runtime.fit import before
from ft_runtime.training import TrainingPaused, train
from ft_runtime.training import trainer as trainer_module
from ft_runtime.training.microbatches import length_of
from support import toy_training
from support.together import At, full_disk, new_process
from support.toy_training import build, toy_config, toy_data, weights_digest

ASKED = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
}
"""What ``accelerate launch --use_fsdp --fsdp_version 2`` tells its processes."""
BATCH = "hyperparams.batch_size_train=1"
_init = AcceleratorState.__init__


def pretend() -> None:
    """Let accelerate spread weights over CPUs, and let ours not refuse it."""
    os.environ.update(ASKED)
    trainer_module.check_parallel = lambda _: None  # type: ignore[assignment]

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        shared = PartialState._shared_state
        if shared.get("distributed_type") == DistributedType.MULTI_CPU:
            # Any kind of GPU: only the name is looked at.
            shared["distributed_type"] = DistributedType.MULTI_XPU
        _init(self, *args, **kwargs)

    AcceleratorState.__init__ = init  # type: ignore[method-assign]


class Watch(TrainerCallback):
    """Look at the weights in the middle of a training."""

    def __init__(self) -> None:
        self.shares: list[float] = []
        self.refused = ""

    def on_step_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **kw: Any
    ) -> None:
        if state.global_step == 1:
            for weight in model.parameters():
                here = weight.to_local() if hasattr(weight, "to_local") else weight
                here = getattr(weight, "ds_tensor", here)
                self.shares.append(here.numel() / getattr(weight, "ds_numel", weight.numel()))
            try:
                processes.refuse_pieces(model)
            except FindingsError as error:
                self.refused = error.findings[0].code


def sitting(
    folder: Path, *overrides: str, at: At | None = None, rows: int = 20, **options: Any
) -> dict[str, Any]:
    """Train in a folder up to whatever end it takes."""
    new_process()
    watch = Watch()
    try:
        config = toy_config(folder, BATCH, *overrides)
        trainer, run = build(config, toy_data(train=rows), **options)
        model = trainer.model
        trainer.add_callback(watch)
        if at is not None:
            trainer.add_callback(at)
        result = train(trainer, run)
    except TrainingPaused as pause:
        return {"status": "paused", "step": pause.result.steps}
    except FindingsError as error:
        return {"status": "failed", "findings": [item.to_dict() for item in error.findings]}
    seen = {
        "status": "finished",
        "logged": {
            name: [line[name] for line in trainer.state.log_history if name in line]
            for name in ("loss", "grad_norm", "eval_loss")
        },
        "tokens": result.tokens,
        "tensors": [result.trainable_tensors, result.changed_tensors],
        "resumed_from": result.resumed_from,
        "shares": watch.shares,
        "refused": watch.refused,
        "same_object": trainer.model is model,
        "class": type(model).__name__,
    }
    if processes.is_main():
        seen["digest"] = weights_digest(model)
        model.save_pretrained(folder / "saved")
        ids = torch.arange(1, 9).unsqueeze(0)
        with torch.no_grad():
            # In one process alone: nobody else answers.
            seen["logits"] = model.eval()(input_ids=ids).logits[0].tolist()
    return seen


def no_number(model: Any) -> None:
    """The part of the embeddings that one process has is no number."""
    model.get_input_embeddings().weight.to_local().fill_(float("nan"))


def terminate(_: Any) -> None:
    signal.raise_signal(signal.SIGTERM)


def limit_memory(trainer: Any, most: int, place: str, ranks: tuple[int, ...]) -> None:
    """Let memory run out in some processes where a micro-batch has more than so many tokens."""
    layer = next(part for part in trainer.model.modules() if "DecoderLayer" in type(part).__name__)

    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    def look(_: Any, given: Any, output: Any) -> None:
        if given[0].shape[1] > most and processes.rank() in ranks:
            output.register_hook(fail) if place == "backward" else fail()

    if place != "end":
        layer.register_forward_hook(look)
        return
    step = trainer.training_step

    def limited(model: Any, inputs: Any, *args: Any) -> Any:
        done = step(model, inputs, *args)
        sizes = [sum(map(length_of, part)) for part in getattr(inputs, "parts", [])]
        if max(sizes, default=0) > most and processes.rank() in ranks:
            fail()
        return done

    trainer.training_step = limited


def too_large(folder: Path, place: str, ranks: tuple[int, ...], *overrides: str) -> dict[str, Any]:
    """A training that is made to fit before its first step."""
    clear, before.CLEAR = before.CLEAR, -1.0
    make = toy_training.build_trainer

    def limited(*args: Any) -> Any:
        trainer = make(*args)
        limit_memory(trainer, 20, place, ranks)
        return trainer

    toy_training.build_trainer = limited  # type: ignore[assignment]
    try:
        auto = ("hyperparams.make_it_fit=auto", "hyperparams.batch_size_train=4")
        seen = sitting(folder, *auto, *overrides, dropout=0.0)
    finally:
        toy_training.build_trainer, before.CLEAR = make, clear
    manifest = json.loads((folder / "manifest.json").read_text())
    return {**seen, "fit": manifest.get("fit")}


def tried(folder: Path) -> dict[str, Any]:
    """A training whose longest micro-batch is tried before its first step, and fits."""
    clear, before.CLEAR = before.CLEAR, -1.0
    try:
        return sitting(folder)
    finally:
        before.CLEAR = clear


def half(folder: Path) -> dict[str, Any]:
    whole = toy_training.CPU
    toy_training.CPU = Device(type="cpu", name="test CPU", precision="bf16", reason="")
    try:
        return sitting(folder, dropout=0.0)
    finally:
        toy_training.CPU = whole


def not_spread(folder: Path) -> dict[str, Any]:
    os.environ["ACCELERATE_USE_FSDP"] = "false"
    try:
        return sitting(folder)
    finally:
        os.environ.update(ASKED)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    gc.freeze()  # each story ends with a search through all that was imported
    pretend()
    stories: dict[str, Callable[[], dict[str, Any]]] = {
        "lora": lambda: sitting(folder / "lora", dropout=0.0),
        "full": lambda: sitting(folder / "full", "tune_type=full", dropout=0.0),
        "tied": lambda: sitting(folder / "tied", "tune_type=full", dropout=0.0, tied=True),
        "uneven": lambda: sitting(
            folder / "uneven", "hyperparams.gradient_accumulation=2", rows=13, dropout=0.0
        ),
        "small": lambda: sitting(
            folder / "small", "hyperparams.tokens_per_batch=16",
            "hyperparams.gradient_accumulation=5", dropout=0.0,
        ),
        "few": lambda: sitting(folder / "few", "hyperparams.optimizer=sgd", dropout=0.0),
        "half": lambda: half(folder / "half"),
        "whole": lambda: sitting(folder / "whole", "hyperparams.make_it_fit=off"),
        "tried": lambda: tried(folder / "tried"),
        "too_large": lambda: too_large(folder / "too_large", "forward", (0, 1)),
        "too_large_backward": lambda: too_large(folder / "backward", "backward", (0, 1)),
        "too_large_for_one": lambda: too_large(folder / "for_one", "end", (1,)),
        "stopped": lambda: too_large(
            folder / "stopped", "forward", (0, 1), "hyperparams.make_it_fit=ask"
        ),
        "paused": lambda: sitting(folder / "run", at=At(1, 7, terminate)),
        "resumed": lambda: sitting(folder / "run"),
        "tied_paused": lambda: sitting(
            folder / "tied_run", "tune_type=full", dropout=0.0, tied=True, at=At(0, 7, terminate)
        ),
        "tied_resumed": lambda: sitting(
            folder / "tied_run", "tune_type=full", dropout=0.0, tied=True
        ),
        "tied_complete": lambda: sitting(
            folder / "tied_run", "tune_type=full", dropout=0.0, tied=True
        ),
        "complete": lambda: sitting(folder / "run"),
        "nan": lambda: sitting(folder / "nan", at=At(1, 8, no_number)),
        "disk": lambda: full_disk(lambda: sitting(folder / "disk")),
        "disk_resumed": lambda: sitting(folder / "disk"),
        "plain": lambda: not_spread(folder / "run"),
    }  # fmt: skip
    for name, story in stories.items():
        seen = story()
        path = folder / f"{name}.{processes.rank()}.json"
        path.write_text(json.dumps(seen))


def left_behind(folder: Path) -> None:
    """Memory runs out in one process alone, in the step that is tried; the other waits for it."""
    torch.set_num_threads(1)
    pretend()
    before.PATIENCE = timedelta(seconds=5)
    # torchrun sends it to whoever is left.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    seen = too_large(folder / "alone", "forward", (1,))
    (folder / f"alone.{processes.rank()}.json").write_text(json.dumps(seen))
    sys.exit(1)


def command(arguments: list[str]) -> int:
    """Do what ``python -m ft_runtime`` does."""
    from ft_runtime.cli import main as run

    torch.set_num_threads(1)
    pretend()
    return run(arguments)


if __name__ == "__main__":
    if sys.argv[1] == "run":
        sys.exit(command(sys.argv[1:]))
    if sys.argv[2:] == ["memory"]:
        left_behind(Path(sys.argv[1]))
    main(Path(sys.argv[1]))
    processes.leave()
