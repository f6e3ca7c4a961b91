"""Training with DeepSpeed's ZeRO, through accelerate: stages 1, 2 and 3.

DeepSpeed divides what the optimizer holds (stage 1), the gradients (2) and the weights (3) among
the processes (Rajbhandari et al. 2020, arXiv:1910.02054). What a step trains on, how its loss is
scaled, the precision and the schedule stay ours: DeepSpeed is told nothing of accumulation.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.findings import Finding, FindingsError, finding, notify, raise_for_errors
from ft_runtime.training.whole import Skeleton

if TYPE_CHECKING:
    from ft_runtime.config import Config

_STAGES = (1, 2, 3)
_OPTIMIZERS = ("adamw_torch_fused", "adamw_torch", "sgd")
"""Those that compute each weight by itself: ZeRO lays them end to end, and cuts where it likes."""
_FIELDS = frozenset({
    "bf16", "fp16", "gradient_accumulation_steps", "gradient_clipping", "steps_per_print",
    "train_batch_size", "train_micro_batch_size_per_gpu", "wall_clock_breakdown",
    "zero_allow_untested_optimizer", "zero_force_ds_cpu_optimizer", "zero_optimization",
})  # fmt: skip
_ZERO_FIELDS = frozenset({
    "allgather_bucket_size", "allgather_partitions", "contiguous_gradients", "offload_optimizer",
    "offload_param", "overlap_comm", "reduce_bucket_size", "reduce_scatter", "stage",
    "stage3_gather_16bit_weights_on_model_save", "stage3_max_live_parameters",
    "stage3_max_reuse_distance", "stage3_param_persistence_threshold",
    "stage3_prefetch_bucket_size", "sub_group_size",
})  # fmt: skip
"""What changes where things are and when they are sent, and not what is computed."""


def prepare(trainer: Any, config: Config) -> None:
    """Set a trainer up for DeepSpeed, where it was asked for; refuse what is not proven.

    Parameters
    ----------
    trainer : Trainer
        From `build_trainer`, before its training.
    config : Config

    Raises
    ------
    FindingsError
        ``training.deepspeed_not_used``, ``training.deepspeed_one_process``;
        ``training.deepspeed_stage``, ``training.deepspeed_offload``, ``training.deepspeed_fields``,
        ``training.deepspeed_fp16``, ``training.deepspeed_quantized``,
        ``training.deepspeed_optimizer``, ``training.deepspeed_compiled``: all that apply.
    """
    if not trainer.is_deepspeed_enabled:
        if processes.deepspeed_asked() and processes.count() > 1:
            raise FindingsError([finding("training.deepspeed_not_used", where="use_cpu")])
        return
    if processes.count() == 1:
        where = "accelerate launch"
        raise FindingsError([finding("training.deepspeed_one_process", where=where)])
    asked = trainer.accelerator.state.deepspeed_plugin.deepspeed_config
    raise_for_errors(_unproven(trainer, config, asked))
    notify(*_overruled(trainer.args, asked))
    complete(asked, trainer.args)
    _forget_globally(trainer)
    if trainer.way.quick is not None:
        trainer.way.quick.through = True
    trainer.skeleton = Skeleton(trainer.model)


def _unproven(trainer: Any, config: Config, asked: dict[str, Any]) -> list[Finding]:
    """Return an error for each thing that does not work with DeepSpeed here, or may not."""
    found = []
    zero = asked.get("zero_optimization", {})
    stage = zero.get("stage", 0)
    if stage not in _STAGES:
        found.append(finding("training.deepspeed_stage", where="zero_stage", got=stage))
    for name in ("offload_optimizer", "offload_param"):
        device = (zero.get(name) or {}).get("device", "none")
        if device not in (None, "none"):
            found.append(finding("training.deepspeed_offload", where=f"{name}_device", got=device))
    more = sorted({*asked} - _FIELDS) + [
        f"zero_optimization.{name}" for name in sorted({*zero} - _ZERO_FIELDS)
    ]
    if more:
        where, got = "deepspeed_config", ", ".join(more)
        found.append(finding("training.deepspeed_fields", where=where, got=got))
    if trainer.args.fp16:
        found.append(finding("training.deepspeed_fp16", where="hw.mixed_precision"))
    if config.tune_type == "qlora" or getattr(trainer.model, "is_quantized", False):
        found.append(finding("training.deepspeed_quantized", where="tune_type"))
    name = str(getattr(trainer.args.optim, "value", trainer.args.optim))
    if name not in _OPTIMIZERS:
        where, known = "hyperparams.optimizer", ", ".join(_OPTIMIZERS)
        found.append(finding("training.deepspeed_optimizer", where=where, got=name, known=known))
    if config.hyperparams.torch_compile or trainer.args.torch_compile:
        found.append(finding("training.deepspeed_compiled", where="hyperparams.torch_compile"))
    return found


def _overruled(args: Any, asked: dict[str, Any]) -> list[Finding]:
    """Return a warning for each number that the run's config has, too, and has otherwise."""
    ours = {
        "gradient_accumulation_steps": (
            "hyperparams.gradient_accumulation", args.gradient_accumulation_steps
        ),
        "gradient_clipping": ("hyperparams.max_grad_norm", args.max_grad_norm),
        "train_micro_batch_size_per_gpu": (
            "hyperparams.batch_size_train", args.per_device_train_batch_size
        ),
    }  # fmt: skip
    found = []
    for field, (name, used) in ours.items():
        got = asked.get(field, "auto")
        # accelerate writes 1 for an accumulation that nobody asked for.
        unset = got == "auto" or (field == "gradient_accumulation_steps" and got == 1)
        if not unset and got != used:
            values = {"name": name, "used": used, "got": got}
            found.append(finding("training.deepspeed_overruled", where=field, **values))
    return found


def complete(asked: dict[str, Any], args: Any) -> None:
    """Write into DeepSpeed's config what the run's config says.

    Parameters
    ----------
    asked : dict
        As accelerate has it; changed.
    args : TrainingArguments
    """
    rows = args.per_device_train_batch_size
    # One backward pass, or many: the step is over when it is told so.
    asked["gradient_accumulation_steps"] = 1
    asked["train_micro_batch_size_per_gpu"] = rows
    asked["train_batch_size"] = rows * args.world_size
    asked["gradient_clipping"] = float(args.max_grad_norm)
    asked["steps_per_print"] = sys.maxsize
    # Weights that are trained stay float32, products are computed in bf16: torch's autocast, as
    # without DeepSpeed. Its own bf16 would train, and sum gradients, in 16 bits. No module is named
    # whose gradients may be exchanged in 16 bits.
    asked["bf16"], asked["fp16"] = {"enabled": False}, {"enabled": False}
    asked["torch_autocast"] = {
        "enabled": bool(args.bf16), "dtype": "bfloat16", "lower_precision_safe_modules": []
    }  # fmt: skip
    zero = asked["zero_optimization"]
    zero["stage3_gather_16bit_weights_on_model_save"] = False
    # It would replace torch's linear layer, for good and for every model.
    zero["memory_efficient_linear"] = False


def _forget_globally(trainer: Any) -> None:
    """Let models that are loaded later be loaded whole, and the config be as `complete` left it."""
    from transformers.integrations import deepspeed

    deepspeed.unset_hf_deepspeed_config()
    trainer.accelerator.state.deepspeed_plugin.hf_ds_config.mismatches = []
