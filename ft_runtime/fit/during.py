"""Memory that runs out in the middle of a training: nothing that was trained is lost."""

# ruff: noqa: ARG002 - transformers fixes the parameters of every event
from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import TrainerCallback


class Moment:
    """The random states of Python, numpy and torch when a step was complete.

    Attributes
    ----------
    tally : dict
        What was trained on up to then.
    """

    def __init__(self, tally: dict[str, Any]) -> None:
        import numpy as np
        import torch

        self.tally = tally
        self._plain, self._array = random.getstate(), np.random.get_state()
        self._tensor = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []

    def restore(self) -> None:
        """Go back to that moment."""
        import numpy as np
        import torch

        random.setstate(self._plain)
        np.random.set_state(self._array)
        torch.set_rng_state(self._tensor)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)


@lru_cache(maxsize=1)
def rescue_class() -> type[TrainerCallback]:
    """Return `Rescue`; inside a function, because importing the Trainer takes seconds."""
    from transformers import TrainerCallback

    class Rescue(TrainerCallback):
        """Remembers where the random states were when the last step was complete.

        A step that breaks off has used random numbers, and has not touched the weights until its
        optimizer begins. With the random states put back the training is as it was after the step
        before, and a checkpoint of it is as good as one that was due.

        Parameters
        ----------
        tally : callable
            Returns what was trained on so far.

        Attributes
        ----------
        last : Moment or None
            None where no checkpoint could be written: before a step, and in the optimizer.
        """

        def __init__(self, tally: Callable[[], dict[str, Any]]) -> None:
            self._tally = tally
            self._complete: Moment | None = None
            self.last: Moment | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._complete = self.last = None

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._complete = Moment(self._tally())

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            # The first step of a resumed epoch: its checkpoint is there.
            self.last = self._complete if state.global_step else None

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.last = None

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._complete = Moment(self._tally())

    return Rescue
