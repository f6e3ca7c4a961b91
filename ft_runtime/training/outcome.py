"""What a training achieved, and whether it did what it said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import Finding, finding, notify
from ft_runtime.training.fingerprint import changed, fingerprint
from ft_runtime.training.partitions import size
from ft_runtime.training.result import TrainResult

if TYPE_CHECKING:
    from transformers import Trainer

    from ft_runtime.runs import Run
    from ft_runtime.runs.checkpoints import Checkpoint


@dataclass(frozen=True)
class Outcome:
    """What is seen when a training stops.

    Attributes
    ----------
    result : TrainResult
    problems : list of Finding
        What shows that it did not train, when it came to its end; errors, all of them.
    """

    result: TrainResult
    problems: list[Finding]


def assess(trainer: Trainer, callback: Any, run: Run, start: Checkpoint | None) -> Outcome:
    """Look at a sitting that began at `start` and has stopped."""
    state = trainer.state
    paused = callback.stop.requested
    losses = [line["loss"] for line in state.log_history if "loss" in line]
    after = fingerprint(trainer.model)
    moved = len(changed(callback.before, after))
    steps = state.global_step - (start.step if start else 0)
    result = TrainResult(
        status="paused" if paused else "finished",
        steps=state.global_step,
        total_steps=state.max_steps,
        epochs=float(state.epoch or 0.0),
        **callback.tally.total(),
        train_loss_first=losses[0] if losses else None,
        train_loss_last=losses[-1] if losses else None,
        trainable_parameters=sum(size(p) for p in trainer.model.parameters() if p.requires_grad),
        trainable_tensors=len(after),
        changed_tensors=moved if steps else None,
        resumed_from=start.step if start else None,
        checkpoint=run.checkpoint.path.name if run.checkpoint else None,
    )
    problems = []
    if state.global_step < state.max_steps and not paused:
        counts = {"got": state.global_step, "expected": state.max_steps}
        if stopped_early(trainer, state.stateful_callbacks or {}):
            notify(finding("training.stopped_early", **counts))
        else:
            problems.append(finding("training.too_few_steps", **counts))
    broken = [name for name, sums in after.items() if not all(map(math.isfinite, sums))]
    if broken:
        shown = ", ".join(broken[:3]) + (" …" if len(broken) > 3 else "")
        problems.append(finding("training.weights_not_finite", count=len(broken), names=shown))
    # A short sitting may fall where the schedule is at zero: the warm-up, or the very end.
    if not moved and not paused and 0 < state.max_steps <= 2 * steps:
        problems.append(finding("training.nothing_learned", steps=steps, tensors=len(after)))
    return Outcome(result, problems)


def stopped_early(trainer: Trainer, kept: Mapping[str, Any]) -> bool:
    """Return True when transformers' callback for that has ended the training.

    Parameters
    ----------
    trainer : Trainer
    kept : Mapping
        What a checkpoint keeps of the callbacks (``stateful_callbacks``): another process may have
        trained.
    """
    from transformers import EarlyStoppingCallback

    known = kept.get(EarlyStoppingCallback.__name__) or {}
    before = known.get("attributes", {}) if isinstance(known, dict) else {}
    counter = before.get("early_stopping_patience_counter", 0)
    return any(
        max(counter, callback.early_stopping_patience_counter) >= callback.early_stopping_patience
        for callback in trainer.callback_handler.callbacks
        if isinstance(callback, EarlyStoppingCallback)
    )
