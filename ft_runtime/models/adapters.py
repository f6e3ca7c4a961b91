"""LoRA adapters: their settings, and putting them on a model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ft_runtime.compat import import_peft, quiet_libraries
from ft_runtime.findings import Finding, finding, raise_for_errors
from ft_runtime.imports import without_bitsandbytes

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from transformers import PreTrainedModel

    from ft_runtime.config import Config

_TASKS = {"causal_lm": "CAUSAL_LM", "classification": "SEQ_CLS"}
SHOWN = 12
"""How many kinds of layers a message lists."""


def lora_config(
    config: Config, modules_to_save: Sequence[str] = (), **overrides: Any
) -> LoraConfig | None:
    """Return the adapter's settings as PEFT knows them; None for full fine-tuning.

    Parameters
    ----------
    config : Config
        The ``lora`` section.
    modules_to_save : sequence of str
        Modules that are trained whole and saved with the adapter: a new classification head.
    **overrides
        Any other field of `peft.LoraConfig`.
    """
    if config.tune_type == "full":
        return None
    lora = config.lora
    fields: dict[str, Any] = {
        "task_type": _TASKS[config.task],
        "r": lora.r,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "target_modules": lora.target_modules,
        "bias": lora.bias,
        "use_rslora": lora.use_rslora,
        "use_dora": lora.use_dora,
        "init_lora_weights": lora.init_lora_weights,
        "modules_to_save": list(modules_to_save) or None,
    }
    return import_peft().LoraConfig(**{**fields, **overrides})


def add_adapter(
    model: PreTrainedModel,
    config: Config,
    modules_to_save: Sequence[str] = (),
    revision: str | None = None,
) -> PeftModel:
    """Put a new adapter on `model`, whose own weights are frozen.

    Raises
    ------
    FindingsError
        When the target modules name no linear layer of the model, or the initialisation does not
        go with the rank or with quantised weights.
    """
    raise_for_errors([*_targets(model, config), *_initialisation(model, config)])
    # GPT-2 keeps its weights transposed; PEFT wants to be told, or says so in a warning.
    transposed = any(type(module).__name__ == "Conv1D" for module in model.modules())
    settings = lora_config(config, modules_to_save, revision=revision, fan_in_fan_out=transposed)
    quantised = getattr(model, "is_quantized", False)
    with quiet_libraries(), nullcontext() if quantised else without_bitsandbytes():
        adapted = import_peft().get_peft_model(model, settings)
    _train_in_float32(adapted)
    return adapted


def linear_layers(model: PreTrainedModel) -> dict[str, Any]:
    """Return the layers that LoRA can adapt, by full name: linear ones, quantised or not."""
    return {
        name: module
        for name, module in model.named_modules()
        if "Linear" in type(module).__name__ or type(module).__name__ == "Conv1D"
    }


def _targets(model: PreTrainedModel, config: Config) -> list[Finding]:
    """Check that each name of ``lora.target_modules`` is the name, or its end, of linear layers."""
    wanted = config.lora.target_modules
    if isinstance(wanted, str):
        return []
    layers = linear_layers(model)
    there = sorted({name.rsplit(".", 1)[-1] for name in layers})
    shown = ", ".join(there[:SHOWN]) + (", …" if len(there) > SHOWN else "")
    return [
        finding("models.no_target", where="lora.target_modules", got=name, layers=shown)
        for name in wanted
        if not any(layer == name or layer.endswith(f".{name}") for layer in layers)
    ]


def _initialisation(model: PreTrainedModel, config: Config) -> list[Finding]:
    kind = config.lora.init_lora_weights
    where = "lora.init_lora_weights"
    if kind in ("pissa", "orthogonal") and getattr(model, "is_quantized", False):
        return [finding("models.init_needs_floats", where=where, got=kind)]
    if kind == "orthogonal" and config.lora.r % 2:
        return [finding("models.init_needs_even_rank", where=where, got=config.lora.r)]
    return []


def _train_in_float32(model: PeftModel) -> None:
    """Turn trained weights into float32: in 16 bits small updates are lost, and fp16 scaling fails.

    PEFT does it for the adapter, and not for modules that are trained whole. These then meet
    hidden states in 16 bits outside of autocast, and convert them.
    """
    import torch

    half = (torch.float16, torch.bfloat16)
    for parameter in model.parameters():
        if parameter.requires_grad and parameter.dtype in half:
            parameter.data = parameter.data.float()
    for module in model.modules():
        for whole in getattr(module, "modules_to_save", {}).values() if _saves(module) else ():
            for part in whole.modules():
                if isinstance(part, torch.nn.Linear):
                    part.register_forward_pre_hook(_as_weight)


def _saves(module: Any) -> bool:
    return type(module).__name__ == "ModulesToSaveWrapper"


def _as_weight(module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    import torch

    if torch.is_autocast_enabled(inputs[0].device.type):
        return inputs
    return (inputs[0].to(module.weight.dtype), *inputs[1:])
