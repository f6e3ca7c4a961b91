"""Taking a rung, and keeping to it when the run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ft_runtime.fit.ladder import Rung
    from ft_runtime.runs import Run

RECORD = "fit"
"""The field of ``manifest.json``."""


def climb(trainer: Any, rung: Rung, run: Run) -> None:
    """Take a rung that changes nothing but speed and memory, and record it in the run.

    Raises
    ------
    ValueError
        For a rung that changes the result: it is the user's to choose.
    """
    if rung.kind == "tokens":
        trainer.budget = rung.value
    elif rung.kind == "checkpointing":
        checkpoint_activations(trainer)
    else:
        raise ValueError(f"{rung.kind} changes the result")
    taken = {"tokens_per_batch": trainer.budget, "gradient_checkpointing": checkpointing(trainer)}
    run.update(**{RECORD: taken})


def apply_recorded(trainer: Any, run: Run) -> None:
    """Do what an earlier sitting of this run had to do; a smaller budget in the config counts."""
    taken = run.manifest.get(RECORD)
    if not taken:
        return
    trainer.budget = min(trainer.budget, int(taken["tokens_per_batch"]))
    if taken["gradient_checkpointing"] and not checkpointing(trainer):
        checkpoint_activations(trainer)


def checkpointing(trainer: Any) -> bool:
    """Return True if activations are computed again in the backward pass."""
    args = trainer.args
    new = getattr(args, "activation_checkpointing", None)
    return bool(args.gradient_checkpointing if new is None else new)


def checkpoint_activations(trainer: Any) -> None:
    """Turn the recomputation of activations on, now and for each later start of the training."""
    args, model = trainer.args, trainer.model
    new = hasattr(args, "activation_checkpointing")
    setattr(args, "activation_checkpointing" if new else "gradient_checkpointing", True)
    name = "activation_checkpointing_enable"
    enable = getattr(model, name, None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})
