"""The callback that shows how a training goes."""

# ruff: noqa: ARG002 - transformers fixes the parameters of every event
from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ft_runtime import memory
from ft_runtime.artifacts.folder import megabytes
from ft_runtime.findings import text
from ft_runtime.progress import Board, Frame, wanted
from ft_runtime.progress.frame import duration

if TYPE_CHECKING:
    from transformers import Trainer, TrainerCallback


class Curve:
    """What was logged so far: training and validation loss, by step."""

    def __init__(self) -> None:
        self.loss: list[tuple[float, float]] = []
        self.eval_loss: list[tuple[float, float]] = []

    def add(self, step: int, logs: dict[str, Any]) -> None:
        """Take a line of the log; others than losses are passed over."""
        for name, points in (("loss", self.loss), ("eval_loss", self.eval_loss)):
            if name in logs:
                points.append((float(step), float(logs[name])))


@lru_cache(maxsize=1)
def progress_callback_class() -> type[TrainerCallback]:
    """Return `TrainingProgress`; inside a function, because importing the Trainer takes seconds."""
    from transformers import TrainerCallback

    class TrainingProgress(TrainerCallback):
        """Step, epoch, loss curve, tokens per second, time left and memory, now and then.

        Speed and time are those of this sitting; the curve is that of the whole run.

        Parameters
        ----------
        tokens : callable
            Returns the tokens trained on so far, without padding. It is called when a frame is
            drawn, and not before: on a GPU it waits for the device.
        clock : callable
            Seconds, never going back.
        board : Board, optional
            Where to draw; by default where this process can be seen.
        """

        def __init__(
            self,
            tokens: Callable[[], int],
            clock: Callable[[], float] = time.monotonic,
            board: Board | None = None,
        ) -> None:
            self.tokens = tokens
            self.clock = clock
            self.given = board
            self.board: Board | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.board = self.given or Board(clock=self.clock)
            self.device = args.device.type
            self.curve = Curve()
            for logs in state.log_history:
                self.curve.add(logs.get("step", 0), logs)
            self.validated = 0
            self.began, self.first, self.before = self.clock(), state.global_step, self.tokens()
            self.board.show(lambda: self._frame(state))

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.board is not None:
                self.board.show(lambda: self._frame(state))

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any
        ) -> None:
            if self.board is not None:
                self.curve.add(state.global_step, logs)

        def on_prediction_step(
            self, args: Any, state: Any, control: Any, eval_dataloader: Any = None, **kwargs: Any
        ) -> None:
            if self.board is None:
                return
            self.validated += 1
            try:
                total = len(eval_dataloader)
            except TypeError:
                total = 0
            self.board.show(lambda: self._validating(total))

        def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.validated = 0

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.close(state)

        def close(self, state: Any) -> None:
            """Draw the summary that stays; harmless when nothing is going on."""
            if self.board is None:
                return
            board, self.board = self.board, None
            board.close(self._summary(state))

        def _frame(self, state: Any) -> Frame:
            now, tokens = self.clock(), self.tokens()
            steps, seconds = state.global_step - self.first, now - self.began
            facts = [self._epoch(state)]
            if self.curve.loss:
                facts.append(text("progress.loss", loss=f"{self.curve.loss[-1][1]:.4f}"))
            if steps and seconds > 0:
                left = seconds / steps * (state.max_steps - state.global_step)
                facts.append(self._rate(tokens, seconds))
                facts.append(text("progress.left", time=duration(left)))
            facts.append(self._memory())
            return self._make(text("progress.training"), state, facts)

        def _validating(self, total: int) -> Frame:
            return Frame(text("progress.validating"), self.validated, total, (self._memory(),))

        def _summary(self, state: Any) -> Frame:
            seconds = self.clock() - self.began
            facts = [self._epoch(state)]
            if self.curve.loss:
                first, last = (f"{self.curve.loss[place][1]:.4f}" for place in (0, -1))
                facts.append(text("progress.fall", first=first, last=last))
            if self.curve.eval_loss:
                facts.append(text("progress.eval_loss", loss=f"{self.curve.eval_loss[-1][1]:.4f}"))
            if seconds > 0 and state.global_step > self.first:
                facts.append(self._rate(self.tokens(), seconds))
            facts += [text("progress.took", time=duration(seconds)), self._memory()]
            whole = state.global_step >= state.max_steps
            title = text("progress.finished" if whole else "progress.stopped")
            return self._make(title, state, facts)

        def _make(self, title: str, state: Any, facts: list[str]) -> Frame:
            curve, marks = tuple(self.curve.loss), tuple(self.curve.eval_loss)
            return Frame(title, state.global_step, state.max_steps, tuple(facts), curve, marks)

        def _epoch(self, state: Any) -> str:
            done = f"{state.epoch or 0.0:.2f}"
            epochs = max(state.num_train_epochs or 0, 1)
            return text("progress.epoch", epoch=done, epochs=f"{epochs:g}")

        def _rate(self, tokens: int, seconds: float) -> str:
            return text("progress.rate", rate=f"{(tokens - self.before) / seconds:,.0f}")

        def _memory(self) -> str:
            return text("progress.memory", memory=megabytes(memory.used(self.device)))

    return TrainingProgress


def show_progress(trainer: Trainer, tokens: Callable[[], int]) -> None:
    """Put our progress in the place of the Trainer's own, which is a table or a bar of tqdm.

    ``disable_tqdm`` in the arguments turns ours off, too; ``metrics.jsonl`` has every line that the
    Trainer would print instead.
    """
    from transformers import PrinterCallback
    from transformers.trainer import DEFAULT_PROGRESS_CALLBACK

    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(DEFAULT_PROGRESS_CALLBACK)
    if not trainer.args.disable_tqdm and wanted():
        trainer.add_callback(progress_callback_class()(tokens))


def close_progress(trainer: Trainer) -> None:
    """Leave the summary of a training that was stopped by an exception."""
    kind = progress_callback_class()
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, kind):
            callback.close(trainer.state)
