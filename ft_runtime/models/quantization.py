"""Quantised base weights for QLoRA."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ft_runtime.findings import FindingsError, finding, notify

if TYPE_CHECKING:
    import torch
    from transformers import BitsAndBytesConfig, PreTrainedModel

    from ft_runtime.config import Config
    from ft_runtime.devices import Device


def quantization_config(
    config: Config, device: Device, keep: Sequence[str] = ()
) -> BitsAndBytesConfig | None:
    """Return how the base weights are quantised; None unless ``tune_type`` is ``qlora``.

    Parameters
    ----------
    config : Config
        ``qlora.bits`` 4 or 8, and the ``bnb_4bit_*`` fields under the names of bitsandbytes.
    device : Device
        Decides the compute type when that is ``auto``: its precision, float32 on a plain CPU.
    keep : sequence of str
        Modules to leave as they are, such as a classification head that is still to be trained.

    Raises
    ------
    FindingsError
        When bitsandbytes is not installed.
    """
    if config.tune_type != "qlora":
        return None
    if importlib.util.find_spec("bitsandbytes") is None:
        raise FindingsError([finding("models.no_bitsandbytes", where="tune_type")])
    from transformers import BitsAndBytesConfig

    skipped = list(keep) or None
    if config.qlora.bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=skipped)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=config.qlora.bnb_4bit_quant_type,
        bnb_4bit_use_double_quant=config.qlora.bnb_4bit_use_double_quant,
        bnb_4bit_compute_dtype=compute_dtype(config, device),
        llm_int8_skip_modules=skipped,
    )


def compute_dtype(config: Config, device: Device) -> torch.dtype:
    """Return the number type of the matrix products with 4-bit weights."""
    import torch

    asked = config.qlora.bnb_4bit_compute_dtype
    if asked == "auto":
        return device.dtype
    if asked == "bfloat16" and device.type == "cuda" and device.precision == "fp16":
        where = "qlora.bnb_4bit_compute_dtype"
        notify(finding("models.slow_bf16", where=where, name=device.name))
    dtype: torch.dtype = getattr(torch, asked)
    return dtype


def keep_trainable_on_cpu(model: PreTrainedModel) -> None:
    """Keep 4-bit layers on a CPU from switching to a form that has no gradient.

    On a CPU with AVX512-BF16, bitsandbytes 0.50 repacks a 4-bit layer the first time that it
    computes in evaluation mode; the packed form has no backward pass, and nothing unpacks it. A
    model that was evaluated once would then train its last layers only, without any error.
    """
    for module in model.modules():
        if getattr(module, "support_avx512bf16_for_cpu", False):
            module.support_avx512bf16_for_cpu = False
