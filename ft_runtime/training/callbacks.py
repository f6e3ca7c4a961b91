"""The callback that writes a training into its run folder and stops it cleanly."""

# ruff: noqa: ARG002 - transformers fixes the parameters of every event
from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.findings import FindingsError, finding
from ft_runtime.training.alarm import Alarm
from ft_runtime.training.checkpoints import discard_stale, is_sealed, seal_and_rotate
from ft_runtime.training.fingerprint import fingerprint
from ft_runtime.training.signals import StopRequest
from ft_runtime.training.tally import Tally

if TYPE_CHECKING:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

    from ft_runtime.runs import Run

LINES = 20
"""Lines of a loss curve to aim at: a run too short for it logs more often than `logging_steps`."""
_RECORDED = ("loss", "eval_loss", "grad_norm", "learning_rate", "epoch")


@lru_cache(maxsize=1)
def run_callback_class() -> type[TrainerCallback]:
    """Return `RunCallback`; inside a function, because importing the Trainer takes seconds."""
    from transformers import TrainerCallback

    class RunCallback(TrainerCallback):
        """Events, metrics, sealed checkpoints and a clean stop, for one run.

        Where a checkpoint falls on the last step of an epoch it is put off until the validation
        loss is taken: taking it moves the random state, and the schedule that watches it, and a run
        that goes on from there must find both as they were.

        Parameters
        ----------
        run : Run

        Attributes
        ----------
        stop : StopRequest
        before : dict
            Fingerprint of the trainable weights when this sitting began.
        limit : int or None
            How many checkpoints to keep.
        tally : Tally
        alarm : Alarm
        """

        def __init__(self, run: Run) -> None:
            self.run = run
            self.stop = StopRequest()
            self.before: dict[str, tuple[float, float]] = {}
            self.limit: int | None = None
            self.tally = Tally()
            self.alarm = Alarm()
            self._put_off = False
            # What all processes agreed on: a signal may reach one of them at any moment.
            self._stopping = False

        def on_train_begin(
            self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
        ) -> None:
            self._put_off = self._stopping = False
            # After the weights of a checkpoint were loaded: so this sitting alone is measured.
            self.before = fingerprint(model)

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.alarm.agree()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step % max(1, min(args.logging_steps, state.max_steps // LINES)) == 0:
                control.should_log = True
            self._stopping = self.stop.agree()
            if self._stopping:
                control.should_save = control.should_training_stop = True
            if control.should_save and args.eval_strategy == "epoch" and _whole(state.epoch):
                control.should_save, self._put_off = False, True
            self._before_save(args, state, control)

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if _whole(state.epoch):
                self.run.event("epoch", epoch=round(state.epoch), step=state.global_step)
            elif self._stopping:
                control.should_evaluate = False
            control.should_save = control.should_save or self._put_off
            self._put_off = False
            self._before_save(args, state, control)

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any
        ) -> None:
            values = {name: logs[name] for name in _RECORDED if name in logs}
            if "loss" not in values and "eval_loss" not in values:
                return
            self.run.metric({"step": state.global_step, **values})
            # With fp16 the scaler skips steps whose gradients overflow: they are no alarm.
            if not args.fp16 and not math.isfinite(values.get("grad_norm", 0.0)):
                where = f"step {state.global_step}"
                raise FindingsError([finding("training.gradient_not_finite", where=where)])

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            seal_and_rotate(self.run, args, state, self.limit, self.tally.total())

        def _before_save(
            self, args: TrainingArguments, state: TrainerState, control: TrainerControl
        ) -> None:
            if not control.should_save:
                return
            if is_sealed(self.run, args, state.global_step):
                control.should_save = False
                return
            # The loss is averaged since the last line; a resumed run starts a new average here.
            control.should_log = True
            processes.share(lambda: discard_stale(args, state.global_step))

    return RunCallback


def _whole(epoch: float | None) -> bool:
    return epoch is not None and epoch == math.floor(epoch)
