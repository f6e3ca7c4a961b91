"""The base model beside a tuned one: the same weights with the adapter off, or loaded anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from ft_runtime.evaluation.state import free_memory, inner, is_adapter
from ft_runtime.findings import Finding, FindingsError, finding

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.devices import Device
    from ft_runtime.tokens import PreparedData

UNAVAILABLE = (FindingsError, OSError, RuntimeError, MemoryError)
"""What loading a second model may raise: no access, no memory (torch raises RuntimeError)."""

_PRECISIONS: dict[str, Literal["none", "fp16", "bf16"]] = {
    "float32": "none",
    "float16": "fp16",
    "bfloat16": "bf16",
}
_INITS_THAT_MOVE_WEIGHTS = ("pissa", "olora", "corda", "loftq", "lora_ga")


def reload_needed(model: Any) -> bool:
    """Return True if switching the adapter off does not give the base back.

    That is so without an adapter (full fine-tuning), when LoRA trains the biases of the base's own
    layers, and for initialisations that subtract the adapter's start from the base's weights.
    """
    if not is_adapter(model):
        return True
    return any(
        getattr(config, "bias", "none") != "none"
        or str(getattr(config, "init_lora_weights", True))
        .lower()
        .startswith(_INITS_THAT_MOVE_WEIGHTS)
        for config in model.peft_config.values()
    )


def base_unavailable(config: Config, error: BaseException) -> Finding:
    """Return the finding for a base that could not be loaded."""
    reason = str(error).strip() or type(error).__name__
    values = {"reason": reason, "model_id": config.model_id}
    return finding("evaluation.base_unavailable", where="model_id", **values)


@contextmanager
def base_model(config: Config, model: Any, tokenizer: Any, data: PreparedData) -> Iterator[Any]:
    """Yield the base of a tuned model; afterwards the tuned model is as it was.

    Parameters
    ----------
    config : Config
    model : transformers model or PeftModel
        The tuned model. While another one is loaded beside it, it waits in main memory.
    tokenizer : PreTrainedTokenizerBase
    data : PreparedData
        Names the labels of a classifier.

    Raises
    ------
    Exception
        One of `UNAVAILABLE`, when the base has to be loaded and cannot be.
    """
    if not reload_needed(model):
        with model.disable_adapter():
            yield model
        return
    with set_aside(model) as device_type:
        device = device_like(model, device_type)
        base = load_base(config, device, tokenizer, data.label_names)
        try:
            yield base
        finally:
            del base
            free_memory()


@contextmanager
def set_aside(model: Any) -> Iterator[str]:
    """Move a model into main memory while the block runs; yield the device type that it was on.

    Quantised weights stay where they are.
    """
    device = inner(model).device
    movable = device.type != "cpu" and not getattr(inner(model), "is_quantized", False)
    if movable:
        model.to("cpu")
        free_memory()
    try:
        yield str(device.type)
    finally:
        if movable:
            free_memory()
            model.to(device)


def device_like(model: Any, device_type: str) -> Device:
    """Return the device on which a second model computes in the same number type as `model`."""
    from ft_runtime.artifacts.probe import compute_dtype
    from ft_runtime.devices import Device

    kind: Any = device_type
    return Device(kind, device_type, _PRECISIONS[compute_dtype(model)])


def load_base(
    config: Config,
    device: Device,
    tokenizer: Any,
    label_names: Sequence[str] | None,
    quantised: bool = True,
) -> Any:
    """Load the base model anew, without any adapter.

    It comes through `load_model`, so that whatever that settles (vocabulary, pad token, labels,
    quantisation) is the same. A fresh adapter of the plain kind changes nothing and is taken off.

    Parameters
    ----------
    config : Config
    device : Device
        Where to, and in which number type.
    tokenizer : PreTrainedTokenizerBase
    label_names : sequence of str or None
        Of a classifier; its head is new, seeded with ``config.seed``.
    quantised : bool
        False loads the base of a QLoRA run un-quantised.
    """
    import torch

    from ft_runtime.models import load_model

    torch.manual_seed(config.seed)
    names = list(label_names) if label_names is not None else None
    loaded = load_model(_plain(config, quantised), device, tokenizer, names, None)
    return loaded.unload() if is_adapter(loaded) else loaded


def _plain(config: Config, quantised: bool) -> Config:
    """Return the config with an adapter that leaves the base's weights alone."""
    from ft_runtime.config import Config

    document = config.to_dict()
    if "lora" in document:
        document["lora"].update(init_lora_weights=True, bias="none", use_dora=False)
    if not quantised and document["tune_type"] == "qlora":
        document["tune_type"] = "lora"
        document.pop("qlora", None)
    return Config(document)
