"""The learning-rate schedules of transformers, with the options that some of them insist on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import FindingsError, finding, notify

if TYPE_CHECKING:
    from transformers import TrainingArguments

    from ft_runtime.config import Config

FLOOR = 0.1
"""Where a schedule with a minimum ends, as a share of the learning rate."""
DECAY = 0.2
"""Share of the steps in which ``warmup_stable_decay`` falls."""
WATCHING = ("reduce_lr_on_plateau", "greedy")
"""Schedules that follow the validation loss."""


def scheduler_options(config: Config) -> dict[str, Any]:
    """Return ``lr_scheduler_kwargs``: the config's, completed where transformers needs it.

    ``cosine_with_min_lr`` and ``cosine_warmup_with_min_lr`` end at `FLOOR` times the learning rate.
    ``greedy`` moves between that and the learning rate itself, which stays the peak (its own
    default, never below 0.001, would raise most learning rates).
    """
    hyper = config.hyperparams
    given = dict(hyper.lr_scheduler_kwargs or {})
    if hyper.lr_scheduler in ("cosine_with_min_lr", "cosine_warmup_with_min_lr"):
        return (
            given if {"min_lr", "min_lr_rate"} & given.keys() else {**given, "min_lr_rate": FLOOR}
        )
    if hyper.lr_scheduler == "greedy":
        peak = hyper.learning_rate
        return {"min_lr": FLOOR * peak, "max_lr": peak, **given}
    return given


def total_steps(args: TrainingArguments, rows: int) -> int:
    """Return the optimizer steps of a training on `rows` rows, as the Trainer counts them."""
    if args.max_steps > 0:
        return args.max_steps
    whole = math.floor if args.dataloader_drop_last else math.ceil
    batches = whole(whole(rows / args.per_device_train_batch_size) / args.world_size)
    updates = max(1, math.ceil(batches / args.gradient_accumulation_steps))
    return math.ceil(args.num_train_epochs * updates)


def complete_schedule(args: TrainingArguments, steps: int, has_val: bool) -> None:
    """Fill in what depends on the number of steps, and try the schedule before training starts.

    Parameters
    ----------
    args : TrainingArguments
        ``warmup_stable_decay`` gets its ``num_decay_steps``: `DECAY` of all steps. A training of a
        single step loses its warm-up.
    steps : int
        Optimizer steps in all.
    has_val : bool
        Whether there are validation rows.

    Raises
    ------
    FindingsError
        ``training.scheduler_needs_val``, ``training.scheduler_options``.
    """
    name = getattr(args.lr_scheduler_type, "value", args.lr_scheduler_type)
    if steps == 1 and args.warmup_steps:
        # The first step of a warm-up has a learning rate of zero: here it would be the only one.
        notify(finding("training.no_warmup", where="hyperparams.warmup_ratio"))
        args.warmup_steps = 0
    if name in WATCHING and not has_val:
        raise FindingsError(
            [finding("training.scheduler_needs_val", where="hyperparams.lr_scheduler", got=name)]
        )
    options = dict(args.lr_scheduler_kwargs or {})
    if name == "warmup_stable_decay" and "num_decay_steps" not in options:
        falling = max(1, round(DECAY * steps))
        options["num_decay_steps"] = max(0, min(falling, steps - args.get_warmup_steps(steps)))
        args.lr_scheduler_kwargs = options
    _try_schedule(args, name, options, steps)


def _try_schedule(args: TrainingArguments, name: str, options: dict[str, Any], steps: int) -> None:
    import torch
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=args.learning_rate)
    try:
        get_scheduler(name, optimizer, args.get_warmup_steps(steps), steps, options)
    except (TypeError, ValueError) as error:
        problem = finding(
            "training.scheduler_options",
            where="hyperparams.lr_scheduler_kwargs",
            scheduler=name,
            got=options,
            reason=error,
        )
        raise FindingsError([problem]) from None
