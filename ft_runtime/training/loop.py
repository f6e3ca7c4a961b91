"""`train`: run the Trainer, go on where it stopped, and check that it did train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ft_runtime import compat, processes
from ft_runtime.findings import FindingsError, finding, notify
from ft_runtime.fit import is_out_of_memory
from ft_runtime.lean import lean
from ft_runtime.runs.checkpoints import tally_of
from ft_runtime.training import checkpoints, sharding
from ft_runtime.training.arguments import shaping_arguments
from ft_runtime.training.callbacks import run_callback_class
from ft_runtime.training.errors import training_problem
from ft_runtime.training.fingerprint import fingerprint
from ft_runtime.training.outcome import assess, stopped_early
from ft_runtime.training.progress import close_progress
from ft_runtime.training.rescue import recover, watch_memory
from ft_runtime.training.result import TrainingPaused, TrainResult
from ft_runtime.training.whole import make_whole

if TYPE_CHECKING:
    from transformers import Trainer

    from ft_runtime.runs import Run
    from ft_runtime.runs.checkpoints import Checkpoint


@lean()
def train(
    trainer: Trainer, run: Run, resume: Literal["auto"] | bool | str | Path = "auto"
) -> TrainResult:
    """Train, or go on training, and prove that the weights moved.

    Ctrl-C, "Interrupt" in a notebook and SIGTERM stop at the end of the step, with a checkpoint
    from which the run goes on exactly; a second Ctrl-C stops at once.

    Parameters
    ----------
    trainer : Trainer
        From `build_trainer`; another `transformers.Trainer` works too, without the checks of the
        loss that `build_trainer` adds.
    run : Run
    resume : "auto", bool or path
        ``"auto"`` or True: from the run's newest verified checkpoint, if there is one. False: from
        the model as it is; earlier checkpoints are moved aside. A path: from that checkpoint; those
        of later steps are moved aside.

    Returns
    -------
    TrainResult
        With status ``finished``.

    Raises
    ------
    TrainingPaused
        After a clean stop; its `result` says ``paused``. Call `train` again to go on.
    FindingsError
        ``training.loss_not_finite``, ``training.nothing_learned``, ``training.too_few_steps``,
        ``training.disk_full``, ``training.checkpoint_failed``, ``training.out_of_memory``, and
        ``run.arguments_changed`` when the arguments differ from those of the checkpoint.
    """
    callback = _callback(trainer, run)
    start = checkpoints.resume_point(run, resume)
    shape = shaping_arguments(trainer.args, len(trainer.train_dataset))
    run.pin("arguments", {**shape, **sharding.shaping(trainer)})
    checkpoints.give_up_later(run, resume, start)
    _begin(run, callback, start)
    if start is not None and _complete(trainer, start):
        loaded = checkpoints.load_weights(trainer, start)
        callback.before = fingerprint(trainer.model)
        notify(finding("training.already_complete", where=str(loaded), step=start.step))
    else:
        sharding.check_ready(trainer)
        _check_space(trainer, run)
        watch_memory(trainer, callback, run)
        point = start
        while _run(trainer, callback, run, point):
            point = run.checkpoint
            _begin(run, callback, point)
        compat.plain_forward(trainer.model)
    outcome = assess(trainer, callback, run, start)
    result = outcome.result
    run.update(training=result.to_dict())
    if outcome.problems:
        error = FindingsError(outcome.problems)
        run.end_with(error)
        raise error
    if callback.stop.requested:
        steps = {"step": result.steps, "total_steps": result.total_steps}
        run.end("paused", **steps)
        raise TrainingPaused([finding("training.paused", where=str(run.path), **steps)], result)
    if sharding.is_sharded(trainer):
        make_whole(trainer)
    return result


def _check_space(trainer: Trainer, run: Run) -> None:
    """Refuse to train what cannot be saved: without checkpoints the weights would be lost."""
    from ft_runtime.artifacts.folder import check_space
    from ft_runtime.artifacts.size import saved_size

    try:
        needed = saved_size(trainer.model, trainer.processing_class or ())
        processes.share(lambda: check_space(run.path, needed))
    except FindingsError as error:
        run.end_with(error)
        raise


def _begin(run: Run, callback: Any, start: Checkpoint | None) -> None:
    """Forget what was written after the checkpoint: it will be written again."""
    run.rewind(start.step if start else 0)
    callback.tally.begin(tally_of(start) if start else {})


def _run(trainer: Trainer, callback: Any, run: Run, start: Checkpoint | None) -> bool:
    """Run the training loop; whatever stops it is recorded in the run.

    Returns
    -------
    bool
        True when memory ran out and less is taken now: to be called again, from ``run.checkpoint``.
    """
    if run.status != "running":
        run.update(status="running")
    try:
        with callback.stop.listening():
            trainer.train(resume_from_checkpoint=str(start.path) if start else None)
        step = trainer.state.global_step
        if callback.stop.agree() and not checkpoints.is_sealed(run, trainer.args, step):
            # The request came after the last step's end.
            trainer._save_checkpoint(trainer.model, None)
            tally = callback.tally.total()
            checkpoints.seal_and_rotate(run, trainer.args, trainer.state, callback.limit, tally)
    except (FindingsError, KeyboardInterrupt) as error:
        run.end_with(error)
        processes.tell_alone(error)
        raise
    except Exception as error:
        if is_out_of_memory(error):
            return _recovered(error, trainer, callback, run)
        problem = training_problem(error, trainer)
        checkpoints.discard_partial(run, trainer.args, trainer.state.global_step)
        told = error if problem is None else FindingsError([problem])
        run.end_with(told)
        processes.tell_alone(told)
        if problem is None:
            raise
        raise told from error
    finally:
        close_progress(trainer)
    return False


def _recovered(error: BaseException, trainer: Trainer, callback: Any, run: Run) -> bool:
    """Return True when the training can go on with less memory; else record and raise."""
    try:
        recover(error, trainer, callback, run)
    except FindingsError as told:
        run.end_with(told)
        processes.tell_alone(told)
        raise told from error
    return True


def _complete(trainer: Trainer, checkpoint: Checkpoint) -> bool:
    """Return True when no step is left after this checkpoint."""
    state = json.loads((checkpoint.path / "trainer_state.json").read_text(encoding="utf-8"))
    last = state["global_step"] >= state["max_steps"] > 0
    return bool(last or stopped_early(trainer, state.get("stateful_callbacks") or {}))


def _callback(trainer: Trainer, run: Run) -> Any:
    """Return the trainer's callback for this run, ready for a sitting; a plain Trainer gets one."""
    kind = run_callback_class()
    callback = next((c for c in trainer.callback_handler.callbacks if isinstance(c, kind)), None)
    if callback is None:
        callback = kind(run)
        trainer.add_callback(callback)
    callback.run = run
    callback.stop.requested = False
    # Rotation is ours: transformers would delete the old checkpoint before the new one is sealed.
    if trainer.args.save_total_limit is not None:
        callback.limit = trainer.args.save_total_limit
        trainer.args.save_total_limit = None
    callback.tally = getattr(trainer, "tally", callback.tally)
    callback.alarm = getattr(trainer, "alarm", callback.alarm)
    callback.alarm.clear()
    return callback
