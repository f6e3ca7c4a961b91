"""What a training achieved, and whether it did what it said."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import Finding, finding
from ft_runtime.training.fingerprint import changed, fingerprint
from ft_runtime.training.result import TrainResult

if TYPE_CHECKING:
    from transformers import Trainer

    from ft_runtime.runs import Run
    from ft_runtime.runs.checkpoints import Checkpoint


def describe(
    trainer: Trainer, callback: Any, run: Run, start: Checkpoint | None, seconds: float
) -> TrainResult:
    """Return the result of a sitting that began at `start`."""
    state = trainer.state
    losses = [line["loss"] for line in state.log_history if "loss" in line]
    after = fingerprint(trainer.model)
    trainable = (p.numel() for p in trainer.model.parameters() if p.requires_grad)
    return TrainResult(
        status="paused" if callback.stop.requested else "finished",
        steps=state.global_step,
        total_steps=state.max_steps,
        epochs=float(state.epoch or 0.0),
        seconds=seconds,
        tokens=int(getattr(trainer, "tokens_seen", 0)),
        supervised_tokens=int(getattr(trainer, "supervised_seen", 0)),
        train_loss_first=losses[0] if losses else None,
        train_loss_last=losses[-1] if losses else None,
        trainable_parameters=sum(trainable),
        changed_tensors=f"{len(changed(callback.before, after))} of {len(after)}",
        resumed_from=start.step if start else None,
        checkpoint=run.checkpoint.path.name if run.checkpoint else None,
    )


def find_problems(trainer: Trainer, callback: Any, start: Checkpoint | None) -> list[Finding]:
    """Return what shows that a training that came to its end did not train."""
    state = trainer.state
    after = fingerprint(trainer.model)
    found = []
    if state.global_step < state.max_steps:
        found.append(
            finding("training.too_few_steps", got=state.global_step, expected=state.max_steps)
        )
    broken = [name for name, sums in after.items() if not all(map(math.isfinite, sums))]
    if broken:
        shown = ", ".join(broken[:3]) + (" …" if len(broken) > 3 else "")
        found.append(finding("training.weights_not_finite", count=len(broken), names=shown))
    steps = state.global_step - (start.step if start else 0)
    if steps > 0 and not changed(callback.before, after):
        found.append(finding("training.nothing_learned", steps=steps, tensors=len(after)))
    return found
