"""One step that leaves no trace: its gradients are thrown away, its random numbers given back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ft_runtime.evaluation.state import random_state_kept
from ft_runtime.findings import FindingsError


def try_step(trainer: Any, model: Any, part: Sequence[Mapping[str, Any]], beside: int) -> None:
    """Compute the gradient of a micro-batch, as training will, and forget it.

    Parameters
    ----------
    trainer : Trainer
        From `build_trainer`, in its training.
    model : Module
        The model as it is trained: wrapped.
    part : sequence of mapping
        The rows of the micro-batch.
    beside : int
        Bytes to hold meanwhile: what the optimizer will take and does not yet have.

    Raises
    ------
    RuntimeError, MemoryError
        When memory runs out.
    """
    import torch

    from ft_runtime.training.microbatches import Step, supervised_of

    count = torch.tensor(max(1, sum(map(supervised_of, part))), device=trainer.args.device)
    with without_trace(trainer, model):
        held = torch.empty(beside, dtype=torch.uint8, device=trainer.args.device)
        # A loss that is no number is told when the row is trained on.
        with contextlib.suppress(FindingsError):
            trainer.training_step(model, Step([list(part)]), count)
        del held


@contextlib.contextmanager
def without_trace(trainer: Any, model: Any) -> Iterator[None]:
    """Count nothing, keep no gradient, and exchange none with other processes.

    Where weights are spread every process has to be here: gradients are spread as in training.
    """
    state = trainer.accelerator.gradient_state
    synchronised = state.sync_gradients
    tally, alarm = trainer.tally, trainer.alarm
    trainer.tally, trainer.alarm = type(tally)(), type(alarm)()
    state._set_sync_gradients(False)
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(random_state_kept())
            if not trainer.divided:
                stack.enter_context(trainer.accelerator.no_sync(model=model))
            yield
    finally:
        trainer.tally, trainer.alarm = tally, alarm
        state._set_sync_gradients(synchronised)
        model.zero_grad(set_to_none=True)
