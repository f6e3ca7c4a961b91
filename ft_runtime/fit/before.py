"""Before the first step: whether the longest micro-batch fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ft_runtime import memory, processes
from ft_runtime.artifacts.folder import megabytes
from ft_runtime.findings import Finding, finding, notify, text
from ft_runtime.fit.apply import apply_recorded, climb
from ft_runtime.fit.errors import DoesNotFitError, first_line, free_memory, is_out_of_memory
from ft_runtime.fit.estimate import Estimate, estimate, state_bytes
from ft_runtime.fit.ladder import rungs
from ft_runtime.fit.longest import longest_part, row_lengths, size_of
from ft_runtime.fit.step import try_step

if TYPE_CHECKING:
    from ft_runtime.runs import Run

CLEAR = 0.5
"""A step that is estimated to take less of the free memory than this is not tried."""
HOPELESS = 1.25
"""More of the free memory than this is not tried on a CPU: the system would end the process."""


PATIENCE = timedelta(minutes=2)
"""How long a process whose trial is over waits for those that it shares the weights with."""


def before_training(trainer: Any, model: Any, run: Run) -> None:
    """Make the training fit, as the config says, and tell of rows that are too long for it.

    Parameters
    ----------
    trainer, model, run
        As for `make_it_fit`.
    """
    apply_recorded(trainer, run)
    lengths = row_lengths(trainer.train_dataset)
    wanted = run.config.hyperparams.make_it_fit != "off"
    if wanted and trainer.is_deepspeed_enabled:
        # What its engine makes of a gradient cannot be taken back.
        notify(finding("fit.not_tried", "hyperparams.make_it_fit"))
    elif wanted:
        make_it_fit(trainer, model, run, lengths)
    tell_long_rows(lengths, trainer.budget)


def make_it_fit(trainer: Any, model: Any, run: Run, lengths: Sequence[int]) -> None:
    """Find out whether the longest micro-batch fits, and climb down until it does.

    Parameters
    ----------
    trainer : Trainer
        From `build_trainer`, in its training.
    model : Module
        The model as it is trained: wrapped.
    run : Run
        Records the rungs that were taken.
    lengths : sequence of int
        Tokens of each training row.

    Raises
    ------
    DoesNotFitError
        When a rung is the user's to choose, or none is left.
    """
    meet = processes.appointment(PATIENCE) if trainer.divided else None
    while (problem := _problem(trainer, model, run, lengths, meet)) is not None:
        need, told = problem
        step_down(trainer, run, lengths, need, told)


def tell_long_rows(lengths: Sequence[int], budget: int) -> None:
    """Tell of rows that are longer than a micro-batch is meant to be."""
    long = [size for size in lengths if size > budget]
    if long:
        values = {"count": len(long), "all": len(lengths), "longest": max(long)}
        where = "hyperparams.tokens_per_batch"
        notify(finding("training.long_rows", where=where, budget=budget, **values))


def step_down(
    trainer: Any, run: Run, lengths: Sequence[int], need: Estimate | None, told: Finding
) -> None:
    """Take the next rung if that may be done for the user.

    Parameters
    ----------
    trainer, run, lengths
        As above.
    need : Estimate or None
    told : Finding
        The error to raise else.

    Raises
    ------
    DoesNotFitError
        With `told`, and what can be done: each rung with its cost.
    """
    left = rungs(trainer, run.config, lengths, need)
    if run.config.hyperparams.make_it_fit != "auto" or not (left and left[0].neutral):
        raise DoesNotFitError([told, *(rung.told for rung in left)])
    climb(trainer, left[0], run)
    notify(finding("fit.taken", left[0].told.where, cost=left[0].told.message))


def _problem(
    trainer: Any,
    model: Any,
    run: Run,
    lengths: Sequence[int],
    meet: Callable[[], bool] | None,
) -> tuple[Estimate | None, Finding] | None:
    """Return what keeps the longest micro-batch from fitting; None when it fits.

    Of several processes each has the same rows before it, and all come to the same answer: spread
    weights are gathered by all, or by none.
    """
    from ft_runtime.training.sharding import can_forget

    part = longest_part(trainer, lengths)
    tokens = size_of(part, not trainer.way.packed)
    need, free, reason = _measured(trainer, model, part, tokens)
    if not reason and need is not None:
        if need.of(tokens) > HOPELESS * free and trainer.args.device.type == "cpu":
            reason = text("fit.hopeless")
        elif need.of(tokens) > CLEAR * free:
            beside = state_bytes(trainer)
            reason = _out_of_memory(trainer, model, lambda: try_step(trainer, model, part, beside))
    about = megabytes(need.of(tokens)) if need is not None else "?"
    values = {"tokens": tokens, "rows": len(part), "about": about, "free": megabytes(free)}
    told = finding("fit.too_large", "hyperparams", reason=reason or text("fit.elsewhere"), **values)
    if meet is not None and not (meet() and (not reason or can_forget(model))):
        # It ran out alone, and the others wait for its weights; or its torch is too old to go on.
        left = rungs(trainer, run.config, lengths, need)
        raise DoesNotFitError([told, *(rung.told for rung in left)])
    return (need, told) if processes.any_of(bool(reason)) else None


def _measured(
    trainer: Any, model: Any, part: Sequence[Any], tokens: int
) -> tuple[Estimate | None, int, str]:
    """Return what a step takes, what there is, and why even that could not be measured.

    Of several processes the largest need, and the least that is free.
    """
    mine: list[Estimate] = []
    reason = _out_of_memory(trainer, model, lambda: mine.append(estimate(trainer, model, part[-1])))
    free = memory.available(trainer.args.device.type)
    seen = processes.gather((mine[0] if mine else None, free, reason))
    known = [each for each, _, _ in seen if each is not None]
    need = max(known, key=lambda each: each.of(tokens)) if known else None
    reason = next((each for _, _, each in seen if each), "")
    return need, min(there for _, there, _ in seen), reason


def _out_of_memory(trainer: Any, model: Any, action: Callable[[], None]) -> str:
    """Return how memory ran out in doing something; empty when it did not."""
    from ft_runtime.training.sharding import forget_step

    try:
        action()
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        free_memory(model, error)
        return first_line(error)
    finally:
        if trainer.divided:
            forget_step(model)
    return ""
