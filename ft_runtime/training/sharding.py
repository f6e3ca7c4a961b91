"""Training a model whose weights are spread over several GPUs (FSDP 2, through accelerate)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ft_runtime import processes
from ft_runtime.findings import Finding, FindingsError, finding, raise_for_errors
from ft_runtime.training.partitions import stage_of
from ft_runtime.training.whole import Skeleton

if TYPE_CHECKING:
    from torch import nn

    from ft_runtime.config import Config

_VERSION = 2
_OPTIMIZERS = ("adamw_torch_fused", "adamw_torch", "sgd")
"""Those that take spread weights: adafactor mixes them with whole ones, bitsandbytes knows none."""
_DIMENSIONS = ("tp", "cp", "sp", "dp_replicate")
"""What else accelerate can lay processes out for; a step's rows are dealt out to all of them."""


def prepare(trainer: Any, config: Config) -> None:
    """Set a trainer up for sharded weights, where it was asked for; refuse what is not proven.

    The rest is accelerate's: the weights are spread when the training begins.

    Parameters
    ----------
    trainer : Trainer
        From `build_trainer`, before its training.
    config : Config

    Raises
    ------
    FindingsError
        ``training.fsdp_one_process``; ``training.fsdp_version``, ``training.fsdp_fp16``,
        ``training.fsdp_quantized``, ``training.fsdp_optimizer``, ``training.fsdp_recomputed``,
        ``training.fsdp_compiled``, ``training.fsdp_offload``, ``training.fsdp_mesh``: all that
        apply.
    """
    if not trainer.is_fsdp_enabled:
        if trainer.args.fsdp or processes.fsdp_asked():
            raise FindingsError([finding("training.fsdp_one_process", where="accelerate launch")])
        return
    plugin = trainer.accelerator.state.fsdp_plugin
    raise_for_errors(_unproven(trainer, config, plugin))
    # Every process has all weights until they are spread: each one asked the model how to train it.
    plugin.cpu_ram_efficient_loading = False
    # A checkpoint holds whole tensors by their ordinary names, whatever the number of processes.
    plugin.state_dict_config = plugin.optim_state_dict_config = None
    plugin.set_state_dict_type("FULL_STATE_DICT")
    if plugin.transformer_cls_names_to_wrap is None:
        plugin.transformer_cls_names_to_wrap = layer_names(trainer.model)
    plugin.mixed_precision_policy = _precision(trainer.args.bf16)
    if trainer.way.quick is not None:
        trainer.way.quick.through = True
    trainer.skeleton = Skeleton(trainer.model)


def _unproven(trainer: Any, config: Config, plugin: Any) -> list[Finding]:
    """Return an error for each thing that does not work with spread weights, or may not."""
    found = []
    if plugin.fsdp_version != _VERSION:
        got = plugin.fsdp_version
        found.append(finding("training.fsdp_version", where="fsdp_version", got=got))
    if trainer.args.fp16:
        found.append(finding("training.fsdp_fp16", where="hw.mixed_precision"))
    if config.tune_type == "qlora" or getattr(trainer.model, "is_quantized", False):
        found.append(finding("training.fsdp_quantized", where="tune_type"))
    name = str(getattr(trainer.args.optim, "value", trainer.args.optim))
    if name not in _OPTIMIZERS:
        where, known = "hyperparams.optimizer", ", ".join(_OPTIMIZERS)
        found.append(finding("training.fsdp_optimizer", where=where, got=name, known=known))
    if plugin.activation_checkpointing:
        where = "fsdp_activation_checkpointing"
        found.append(finding("training.fsdp_recomputed", where=where))
    if getattr(plugin.cpu_offload, "pin_memory", None) is not None:
        found.append(finding("training.fsdp_offload", where="fsdp_offload_params"))
    mesh = trainer.accelerator.parallelism_config
    sizes = {name: getattr(mesh, f"{name}_size", 1) for name in _DIMENSIONS}
    if shown := ", ".join(f"{name} {size}" for name, size in sizes.items() if size > 1):
        found.append(finding("training.fsdp_mesh", where="parallelism_config", got=shown))
    if config.hyperparams.torch_compile or trainer.args.torch_compile:
        found.append(finding("training.fsdp_compiled", where="hyperparams.torch_compile"))
    return found


def layer_names(model: Any) -> list[str]:
    """Return the classes of the layers that are gathered one after the other.

    They are those that transformers names as not to be divided, without what holds the embeddings
    of tokens: accelerate spreads those by themselves, and would spread them twice.
    """
    names = set(getattr(model, "_no_split_modules", None) or ())
    embeddings = model.get_input_embeddings()
    for module in model.modules():
        holds = any(part is embeddings for part in module.modules())
        names -= {type(module).__name__} if holds else set()
    present = {type(module).__name__ for module in model.modules()}
    return sorted(names & present)


def is_sharded(trainer: Any) -> bool:
    """Return True when the weights of a trainer are spread now, or are to be."""
    return getattr(trainer, "skeleton", None) is not None


def check_ready(trainer: Any) -> None:
    """Refuse to train spread weights that could not be put together again.

    Raises
    ------
    FindingsError
        ``training.fsdp_once`` for a trainer whose training is over, and for one of other make.
    """
    asked = (getattr(trainer, f"is_{kind}_enabled", False) for kind in ("fsdp", "deepspeed"))
    if any(asked) and not is_sharded(trainer):
        raise FindingsError([finding("training.fsdp_once", where="build_trainer")])


def shaping(trainer: Any) -> dict[str, Any]:
    """Return what a run that goes on must have alike: its checkpoints are of another make."""
    if not is_sharded(trainer):
        return {}
    if trainer.is_fsdp_enabled:
        return {"sharded": "fsdp2"}
    return {"sharded": f"zero{stage_of(trainer)}"}


def fold(model: nn.Module) -> None:
    """Let go of weights that were gathered for a forward pass: what is left are shards."""
    from torch.distributed.fsdp import FSDPModule

    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def forget_step(model: nn.Module) -> None:
    """Give up a step that broke off in the middle; the next one begins as if nothing had been."""
    if can_forget(model):
        cast("Any", model).reset_iter_state()
    else:
        fold(model)


def can_forget(model: nn.Module) -> bool:
    """Return True where torch can give up a broken step whole.

    An older one would take the next step's gradients for those of this one, and lose them.
    """
    return hasattr(model, "reset_iter_state")


def _precision(half: bool) -> Any:
    """Return the number types: products in bf16, sums of gradients and the loss in float32."""
    import torch
    from torch.distributed.fsdp import MixedPrecisionPolicy

    if not half:
        return None
    return MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
