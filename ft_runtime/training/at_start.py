"""The callback for what is done when model and optimizer are as they will be trained."""

# ruff: noqa: ARG002 - transformers fixes the parameters of every event
from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from transformers import TrainerCallback

    from ft_runtime.runs import Run


class Action(Protocol):
    """Gets the trainer, the model as it is trained (wrapped), and the run."""

    def __call__(self, trainer: Any, model: Any, run: Run) -> None: ...  # noqa: D102


@lru_cache(maxsize=1)
def at_start_class() -> type[TrainerCallback]:
    """Return `AtStart`; inside a function, because importing the Trainer takes seconds."""
    from transformers import TrainerCallback

    class AtStart(TrainerCallback):
        """Does something before the first step of each sitting.

        Parameters
        ----------
        trainer : Trainer
            From `build_trainer`.
        run : Run
        actions : sequence of callable
            In this order.
        """

        def __init__(self, trainer: Any, run: Run, actions: Sequence[Action]) -> None:
            self.trainer = trainer
            self.run = run
            self.actions = actions

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            for action in self.actions:
                action(self.trainer, self.trainer.model_wrapped, self.run)

    return AtStart
