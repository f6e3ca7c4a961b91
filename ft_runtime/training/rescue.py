"""What is done when memory runs out in the middle of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.findings import FindingsError, finding, text
from ft_runtime.fit import DoesNotFitError, before_training, rescue_class
from ft_runtime.fit.before import step_down
from ft_runtime.fit.errors import first_line, free_memory, is_out_of_memory
from ft_runtime.fit.longest import row_lengths
from ft_runtime.training import checkpoints
from ft_runtime.training.at_start import Action, at_start_class

if TYPE_CHECKING:
    from transformers import Trainer

    from ft_runtime.runs import Run


def watch_memory(trainer: Trainer, callback: Any, run: Run) -> None:
    """Let the trainer look before its first step, and remember where each step was complete."""
    for kind in (at_start_class(), rescue_class()):
        trainer.remove_callback(kind)
    trainer.add_callback(rescue_class()(callback.tally.to_dict))
    if not _ours(trainer):
        return
    actions: list[Action] = [before_training]
    if run.config.hyperparams.torch_compile:
        from ft_runtime.training.compile_trial import compile_layers

        # When a step is known to fit: the largest is computed to compile it.
        actions.append(compile_layers)
    trainer.add_callback(at_start_class()(trainer, run, actions))


def recover(error: BaseException, trainer: Trainer, callback: Any, run: Run) -> None:
    """Save what is trained, and take the next rung if that may be done for the user.

    When this returns the training can go on from ``run.checkpoint``.

    Parameters
    ----------
    error : Exception
        That memory ran out.
    trainer, callback, run
        Of the training that broke off.

    Raises
    ------
    DoesNotFitError
        ``training.out_of_memory``, and what can be done.
    """
    step = trainer.state.global_step
    reason = first_line(error)
    free_memory(trainer.model, error)
    begun = _rescue(trainer).last is not None or step == 0
    saved = _save(trainer, callback, run)
    words = text("fit.saved", step=step) if saved else text("fit.not_saved")
    where = f"step {step + 1}"
    told = finding("training.out_of_memory", where=where, reason=reason, saved=words)
    if not _ours(trainer) or processes.joined() or not (begun or run.checkpoint):
        raise DoesNotFitError([told])
    step_down(trainer, run, row_lengths(trainer.train_dataset), None, told)


def _save(trainer: Trainer, callback: Any, run: Run) -> bool:
    """Write a checkpoint of the last complete step; return whether there is one."""
    args, step = trainer.args, trainer.state.global_step
    if checkpoints.is_sealed(run, args, step):
        return True
    complete = _rescue(trainer).last
    # Another process waits in the middle of the step, and cannot write its part.
    if complete is None or processes.joined():
        return False
    complete.restore()
    try:
        _log(trainer)
        checkpoints.discard_stale(args, step)
        trainer._save_checkpoint(trainer.model, None)
        checkpoints.seal_and_rotate(run, args, trainer.state, callback.limit, complete.tally)
    except Exception as error:
        if not (is_out_of_memory(error) or isinstance(error, FindingsError | OSError)):
            raise
        checkpoints.discard_partial(run, args, step)
        return False
    return True


def _log(trainer: Any) -> None:
    """Write the loss since the last line: a resumed run starts a new average here."""
    control = trainer.control
    control.should_log, control.should_save, control.should_evaluate = True, False, False
    loss = getattr(trainer, "_tr_loss", None)
    if loss is not None:
        state = trainer.state
        trainer._maybe_log_save_evaluate(loss, None, trainer.model, None, state.epoch, None, 0.0)


def _rescue(trainer: Trainer) -> Any:
    kind = rescue_class()
    return next(c for c in trainer.callback_handler.callbacks if isinstance(c, kind))


def _ours(trainer: Any) -> bool:
    """Return True for a trainer whose steps are cut by tokens."""
    return hasattr(trainer, "way")
