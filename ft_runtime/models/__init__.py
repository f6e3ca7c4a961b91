"""Models and tokenizers: found, checked, loaded, made ready for the tuning asked for."""

from __future__ import annotations

from ft_runtime.models.adapters import lora_config
from ft_runtime.models.identity import model_identity
from ft_runtime.models.load import load_model
from ft_runtime.models.quantization import quantization_config
from ft_runtime.models.source import ModelSource, find_model
from ft_runtime.models.tokenizer import load_tokenizer

__all__ = [
    "ModelSource",
    "find_model",
    "load_model",
    "load_tokenizer",
    "lora_config",
    "model_identity",
    "quantization_config",
]
