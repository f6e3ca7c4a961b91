"""The scaler of fp16 training: it skips steps, and should not skip all of them."""

# ruff: noqa: ARG002 - transformers fixes the parameters of every event
from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import FindingsError, finding, notify

if TYPE_CHECKING:
    from transformers import TrainerCallback

DOUBTFUL = 10
"""Skipped steps in a row that are told. The scale starts at 65536 and is halved at each of them."""
HOPELESS = 30
"""Skipped steps in a row that end the training: by then the scale is far below any gradient."""


@lru_cache(maxsize=1)
def scaler_callback_class() -> type[TrainerCallback]:
    """Return `ScalerWatch`; inside a function, because importing the Trainer takes seconds."""
    from transformers import TrainerCallback

    class ScalerWatch(TrainerCallback):
        """Counts the steps that the scaler skips one after the other.

        A skipped step is no fault by itself: with fp16 the scale has to be found. A training whose
        every step is skipped looks healthy, and learns nothing.

        Parameters
        ----------
        trainer : Trainer
        """

        def __init__(self, trainer: Any) -> None:
            self.trainer = trainer
            self.skipped = 0

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.skipped = 0

        def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if not self.trainer.accelerator.optimizer_step_was_skipped:
                self.skipped = 0
                return
            self.skipped += 1
            where = f"step {state.global_step + 1}"
            if self.skipped == DOUBTFUL:
                notify(finding("training.steps_skipped", where=where, count=self.skipped))
            if self.skipped == HOPELESS:
                problem = finding("training.all_steps_skipped", where=where, count=self.skipped)
                raise FindingsError([problem])

    return ScalerWatch
