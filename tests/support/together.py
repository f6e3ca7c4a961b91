"""Several trainings by several processes: ``torchrun ... together.py FOLDER``.

Each one is a whole story with a beginning and an end; what every process saw of it is written to
``FOLDER/<story>.<rank>.json``. ``... together.py FOLDER memory`` tells of a process that leaves.
"""

from __future__ import annotations

import errno
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from ft_runtime import processes
from ft_runtime.findings import FindingsError
from ft_runtime.runs import start
from ft_runtime.training import TrainingPaused, train
from support.toy_training import build, toy_config, toy_data, weights_digest

BATCH = "hyperparams.batch_size_train=1"


class At(TrainerCallback):
    """Do something inside a step, in one process."""

    def __init__(self, rank: int, step: int, action: Callable[[Any], None]) -> None:
        self.rank, self.step, self.action = rank, step, action

    def on_step_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **kw: Any
    ) -> None:
        if state.global_step + 1 == self.step and processes.rank() == self.rank:
            self.action(model)


def new_process() -> None:
    for run in start._open.values():
        run.close()
    start._open.clear()


def sitting(
    folder: Path, *overrides: str, at: At | None = None, rows: int = 20, **options: Any
) -> dict[str, Any]:
    """Train in a folder up to whatever end it takes."""
    new_process()
    try:
        trainer, run = build(toy_config(folder, BATCH, *overrides), toy_data(train=rows), **options)
        if at is not None:
            trainer.add_callback(at)
        result = train(trainer, run)
    except TrainingPaused as pause:
        return {"status": "paused", "step": pause.result.steps}
    except FindingsError as error:
        return {"status": "failed", "findings": [item.to_dict() for item in error.findings]}
    return {
        "status": "finished",
        "digest": weights_digest(trainer.model),
        "losses": [line["loss"] for line in trainer.state.log_history if "loss" in line],
        "held_out": [
            line["eval_loss"] for line in trainer.state.log_history if "eval_loss" in line
        ],
        "tokens": result.tokens,
        "supervised": result.supervised_tokens,
        "resumed_from": result.resumed_from,
        "leads": run.leads,
    }


def no_number(model: Any) -> None:
    """Whatever is computed with these embeddings is no number, in one process."""
    model.get_input_embeddings().weight.data.fill_(float("nan"))


def full_disk(story: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Tell a story on a disk that is full when the optimizer of the tenth step is written."""
    save = torch.save

    def failing(thing: Any, path: Any, *args: Any, **kwargs: Any) -> Any:
        if "checkpoint-10" in str(path) and "optimizer" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(thing, path, *args, **kwargs)

    torch.save = failing
    try:
        return story()
    finally:
        torch.save = save


def interrupt(_: Any) -> None:
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)


def disagree(folder: Path) -> dict[str, Any]:
    """One process alone fails where all are agreeing."""
    try:
        with processes.agreeing():
            if processes.rank() == 1:
                raise ValueError("no data here")
    except ValueError as error:
        return {"error": str(error)}
    return {}


def no_memory(model: Any) -> None:
    """The next forward pass of one process finds no memory."""

    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    model.register_forward_pre_hook(fail)


def left_behind(folder: Path) -> None:
    """One process runs out of memory and ends; the other waits for its gradients."""
    torch.set_num_threads(1)
    # torchrun sends it to whoever is left: the story is told first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    seen = sitting(folder / "memory", at=At(1, 8, no_memory))
    (folder / f"memory.{processes.rank()}.json").write_text(json.dumps(seen))
    sys.exit(1)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    stories: dict[str, Callable[[], dict[str, Any]]] = {
        "plain": lambda: sitting(folder / "plain", dropout=0.0),
        "uneven": lambda: sitting(
            folder / "uneven", "hyperparams.gradient_accumulation=2", rows=13, dropout=0.0
        ),
        "whole": lambda: sitting(folder / "whole"),
        "paused": lambda: sitting(
            folder / "run", at=At(1, 7, lambda _: signal.raise_signal(signal.SIGTERM))
        ),
        "again": lambda: sitting(folder / "run", at=At(1, 12, interrupt)),
        "resumed": lambda: sitting(folder / "run"),
        "nan": lambda: sitting(folder / "nan", at=At(1, 8, no_number)),
        "full": lambda: full_disk(lambda: sitting(folder / "full")),
        "full_resumed": lambda: sitting(folder / "full"),
        "changed": lambda: sitting(folder / "full", "hyperparams.learning_rate=0.5"),
        "disagree": lambda: disagree(folder),
        "without": lambda: sitting(folder / "without", "artifacts.save_strategy=no"),
    }
    for name, story in stories.items():
        seen = story()
        path = folder / f"{name}.{processes.rank()}.json"
        path.write_text(json.dumps(seen))


if __name__ == "__main__":
    if sys.argv[2:] == ["memory"]:
        left_behind(Path(sys.argv[1]))
    main(Path(sys.argv[1]))
    processes.leave()
