"""Checkpoints of a Trainer: sealed after transformers wrote them, rotated after that."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.findings import FindingsError, finding, notify
from ft_runtime.runs import checkpoints
from ft_runtime.training import whole
from ft_runtime.training.errors import save_problem

if TYPE_CHECKING:
    from transformers import Trainer, TrainerState, TrainingArguments

    from ft_runtime.runs import Run


def folder_of(args: TrainingArguments, step: int) -> Path:
    """Return the folder that transformers writes the checkpoint of a step to."""
    return Path(args.output_dir) / f"checkpoint-{step}"


def is_sealed(run: Run, args: TrainingArguments, step: int) -> bool:
    """Return True when this training wrote the checkpoint of this step, or began with it."""
    known = run.checkpoint
    return known is not None and known.step == step and known.path == folder_of(args, step)


def discard_stale(args: TrainingArguments, step: int) -> None:
    """Remove a folder that an earlier sitting left where a checkpoint is to be written.

    It was not verified, or the run went back before it; a mixture of its files with new ones must
    never come about.
    """
    path = folder_of(args, step)
    if path.is_dir():
        checkpoints.delete(path)


def best_of(args: TrainingArguments, state: TrainerState) -> Path | None:
    """Return the checkpoint that the training is to end with; None for the last one."""
    if not args.load_best_model_at_end or not state.best_model_checkpoint:
        return None
    # By its name: the run's folder may have moved.
    return Path(args.output_dir) / Path(state.best_model_checkpoint).name


def seal_and_rotate(
    run: Run,
    args: TrainingArguments,
    state: TrainerState,
    limit: int | None,
    tally: Mapping[str, Any],
) -> None:
    """Seal the checkpoint that transformers has just written, then delete the surplus ones.

    Parameters
    ----------
    run : Run
    args : TrainingArguments
    state : TrainerState
    limit : int or None
        How many verified checkpoints to keep.
    tally : Mapping
        What the training took so far.

    Raises
    ------
    FindingsError
        ``training.checkpoint_failed`` or ``training.disk_full``; the earlier ones are intact.
    """
    step = state.global_step
    path = folder_of(args, step)

    def seal() -> checkpoints.Checkpoint:
        try:
            found = checkpoints.seal(path, step, tally)
            checkpoints.rotate(path.parent, limit, path, best_of(args, state))
        except (OSError, ValueError) as error:
            raise FindingsError([save_problem(error, path)]) from error
        return found

    # Each process writes its own random state.
    processes.barrier()
    run.checkpoint = processes.share(seal)
    run.event("checkpoint", step=step, path=f"{path.parent.name}/{path.name}")


def discard_partial(run: Run, args: TrainingArguments, step: int) -> None:
    """Remove half a checkpoint that could not be finished: on a full disk it is in the way."""
    path = folder_of(args, step)
    if run.leads and path.is_dir() and not is_sealed(run, args, step):
        shutil.rmtree(path, ignore_errors=True)


def resume_point(run: Run, resume: Any) -> checkpoints.Checkpoint | None:
    """Return the checkpoint to begin with.

    Parameters
    ----------
    run : Run
    resume : "auto", bool or path
        ``"auto"`` or True: the newest verified one of the run; False: none, earlier ones are moved
        aside.

    Raises
    ------
    FindingsError
        ``training.checkpoint_unverified`` for a path that cannot be trusted.
    """
    if resume == "auto" or resume is True:
        return run.checkpoint
    run.checkpoint = processes.share(lambda: _chosen(run, resume))
    return run.checkpoint


def _chosen(run: Run, resume: Any) -> checkpoints.Checkpoint | None:
    if not resume:
        _move_aside(run)
        return None
    path = Path(resume).absolute()
    known = {folder: step for step, folder in checkpoints.folders(path.parent)}
    if path not in known:
        problem = finding("training.no_checkpoint", where=str(path))
        raise FindingsError([problem])
    found = checkpoints.verify(path, known[path])
    if not found.verified:
        problem = finding("training.checkpoint_unverified", where=str(path), reason=found.problem)
        raise FindingsError([problem])
    return found


def give_up_later(run: Run, resume: Any, start: checkpoints.Checkpoint | None) -> None:
    """Move the checkpoints of steps after a chosen one aside, all if it is not among them.

    A run that is killed goes on from its newest one: that must not be of what is given up here.

    Parameters
    ----------
    run, resume
        As for `resume_point`.
    start : Checkpoint or None
        What that returned.
    """
    if start is not None and resume != "auto" and resume is not True:
        among = start.path.parent.absolute() == run.checkpoints.absolute()
        processes.share(lambda: _move_aside(run, after=start.step if among else None))


def load_weights(trainer: Trainer, checkpoint: checkpoints.Checkpoint) -> Path:
    """Load weights and history of a checkpoint whose training is complete, without a step.

    The weights are those of the best one where the training was to end with them.

    Returns
    -------
    Path
        The checkpoint whose weights were loaded.
    """
    from transformers import TrainerState

    state = TrainerState.load_from_json(str(checkpoint.path / "trainer_state.json"))
    best, path = best_of(trainer.args, state), checkpoint.path
    if best is not None and best != path:
        # By its name: `best_global_step` may be a later one, which was evaluated and not saved.
        found = checkpoints.verify(best, int(best.name.rpartition("-")[2]))
        path = best if found.verified else path
        if not found.verified:
            lost = {"reason": found.problem, "last": checkpoint.path.name}
            notify(finding("training.best_lost", where=str(best), **lost))
    if whole.is_ours(path):
        whole.load(trainer, path)
    else:
        trainer._load_from_checkpoint(str(path))
    trainer.state = state
    return path


def _move_aside(run: Run, after: int | None = None) -> None:
    """Move all checkpoints of a run, or those of later steps, into a folder beside theirs."""
    newer = [
        path for step, path in checkpoints.folders(run.checkpoints) if after is None or step > after
    ]
    if not newer:
        return
    number = 1
    while (aside := run.path / f"checkpoints.previous-{number}").exists():
        number += 1
    if after is None:
        run.checkpoints.rename(aside)
        return
    aside.mkdir()
    for path in newer:
        path.rename(aside / path.name)
