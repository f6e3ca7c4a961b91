"""`training_arguments`: the config as transformers' own `TrainingArguments`."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from ft_runtime import compat, processes
from ft_runtime import progress as bars
from ft_runtime.devices import has_tf32
from ft_runtime.findings import FindingsError, finding, notify
from ft_runtime.training.schedule import scheduler_options

if TYPE_CHECKING:
    from transformers import TrainingArguments

    from ft_runtime.config import Config
    from ft_runtime.devices import Device
    from ft_runtime.runs import Run

AUTO_TOKENS = 4096
"""Tokens in one forward pass that ``batch_size_train: auto`` aims at."""
AUTO_ROWS = 8
"""Most rows in one forward pass that ``batch_size_train: auto`` takes."""

# What shapes the weights: recorded by the first training, and compared before one goes on.
_SHAPING = (
    "learning_rate", "lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "num_train_epochs",
    "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps", "weight_decay",
    "adam_beta1", "adam_beta2", "adam_epsilon", "optim", "optim_args", "max_grad_norm",
    "label_smoothing_factor", "neftune_noise_alpha", "seed", "data_seed", "dataloader_drop_last",
    "train_sampling_strategy",
)  # fmt: skip


def training_arguments(
    config: Config, device: Device, run: Run, progress: bool | None = None
) -> TrainingArguments:
    """Translate the config into `transformers.TrainingArguments`.

    An ordinary object: print it, change it, pass it on. Checkpoints go to the run folder,
    TensorBoard files into its ``logs``; each epoch ends with the loss on the validation rows, when
    there are any.

    Parameters
    ----------
    config : Config
    device : Device
        Its `precision` decides over mixed precision.
    run : Run
    progress : bool, optional
        Show how it goes; by default yes, and in a log file with a line now and then.

    Raises
    ------
    FindingsError
        ``training.scheduler_unknown`` when the installed transformers lacks the schedule, and
        ``training.deepspeed_missing``.

    Notes
    -----
    ``warmup_ratio`` has no argument of its own any more: it becomes a fractional ``warmup_steps``.
    ``batch_size_train: auto`` is `AUTO_TOKENS` // ``max_seq_len``, at least 1 and at most
    `AUTO_ROWS`: it depends on the config alone, so that a run goes on anywhere with the same
    batches.
    """
    from transformers import TrainingArguments
    from transformers.trainer_utils import SchedulerType

    if processes.deepspeed_asked() and (got := compat.deepspeed_problem()) is not None:
        needed = ".".join(map(str, compat.DEEPSPEED_MINIMUM))
        where = "accelerate launch"
        problem = finding("training.deepspeed_missing", where=where, needed=needed, got=got)
        raise FindingsError([problem])
    hyper, artifacts = config.hyperparams, config.artifacts
    if hyper.lr_scheduler not in {item.value for item in SchedulerType}:
        problem = finding(
            "training.scheduler_unknown",
            where="hyperparams.lr_scheduler",
            got=hyper.lr_scheduler,
            known=", ".join(sorted(item.value for item in SchedulerType)),
        )
        raise FindingsError([problem])
    options: dict[str, Any] = {
        "output_dir": str(run.checkpoints),
        "learning_rate": hyper.learning_rate,
        "lr_scheduler_type": hyper.lr_scheduler,
        "lr_scheduler_kwargs": scheduler_options(config),
        "warmup_ratio": hyper.warmup_ratio,
        "num_train_epochs": hyper.num_epochs,
        "max_steps": hyper.max_steps or -1,
        "per_device_train_batch_size": batch_size(config),
        "per_device_eval_batch_size": hyper.batch_size_eval,
        "gradient_accumulation_steps": hyper.gradient_accumulation,
        "weight_decay": hyper.weight_decay,
        "max_grad_norm": hyper.max_grad_norm,
        "optim": hyper.optimizer,
        "neftune_noise_alpha": hyper.neftune_noise_alpha,
        "gradient_checkpointing": hyper.gradient_checkpointing in (True, "on"),
        "seed": config.seed,
        "data_seed": config.seed,
        "bf16": device.precision == "bf16",
        "fp16": device.precision == "fp16",
        # Trained weights are float32: without this a newer GPU would multiply them slowly.
        "tf32": True if has_tf32(device) else None,
        "use_cpu": device.type == "cpu",
        "ddp_backend": "gloo" if device.type == "cpu" and processes.count() > 1 else None,
        # A NaN must stop the training, not hide in an average.
        "logging_nan_inf_filter": False,
        "logging_steps": 10,
        "logging_first_step": True,
        "report_to": _trackers(config),
        "logging_dir": str(run.logs),
        "save_strategy": artifacts.save_strategy,
        "save_steps": artifacts.save_steps,
        "save_total_limit": artifacts.save_total_limit,
        "eval_strategy": "epoch",
        "prediction_loss_only": True,
        "metric_for_best_model": "loss",
        # The collator needs the columns that the model does not: the number of the row, for one.
        "remove_unused_columns": False,
        "label_names": ["labels"],
        "dataloader_pin_memory": device.type == "cuda",
        "disable_tqdm": not bars.wanted(progress),
        "push_to_hub": False,
    }
    args = TrainingArguments(**compat.training_arguments_kwargs(options))
    if args.n_gpu > 1:
        # Without this the Trainer would split every batch over all GPUs of a notebook's machine
        # (DataParallel), which changes the batch size that the config asks for.
        notify(finding("training.one_gpu", where="hw.device", count=args.n_gpu))
        args._n_gpu = 1
    return args


def batch_size(config: Config) -> int:
    """Return the rows of one forward pass; tells the rule when the config leaves it to us."""
    hyper = config.hyperparams
    if hyper.batch_size_train != "auto":
        return int(hyper.batch_size_train)
    rows = max(1, min(AUTO_ROWS, AUTO_TOKENS // hyper.max_seq_len))
    told = finding(
        "training.batch_size_auto",
        where="hyperparams.batch_size_train",
        rows=rows,
        tokens=AUTO_TOKENS,
        length=hyper.max_seq_len,
        most=AUTO_ROWS,
    )
    notify(told)
    return rows


def shaping_arguments(args: TrainingArguments, train_rows: int) -> dict[str, Any]:
    """Return the arguments that shape the weights, as plain data."""
    found = {name: getattr(args, name, None) for name in _SHAPING}
    plain = {name: getattr(value, "value", value) for name, value in found.items()}
    return {**plain, "train_rows": train_rows, "world_size": args.world_size}


def _trackers(config: Config) -> list[str]:
    """Return where the loss curve goes besides the run folder."""
    if config.logs != "tensorboard":
        return []
    if any(importlib.util.find_spec(name) for name in ("tensorboard", "tensorboardX")):
        return ["tensorboard"]
    notify(finding("training.no_tensorboard", where="logs"))
    return []
