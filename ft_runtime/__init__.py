"""ft_runtime: the small kernel-side library that fine-tuning notebooks import.

Every name below is loaded on first use, so that ``import ft_runtime`` costs next to nothing and
brings neither torch nor transformers along.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# The verbs in the order in which a notebook calls them, then the types that they return.
_EXPORTS = {
    "load_config": "ft_runtime.config",
    "check_config": "ft_runtime.config",
    "seed_everything": "ft_runtime.seeding",
    "detect_device": "ft_runtime.devices",
    "start_run": "ft_runtime.runs",
    "load_rows": "ft_runtime.data",
    "split_rows": "ft_runtime.data",
    "load_tokenizer": "ft_runtime.models",
    "prepare_data": "ft_runtime.tokens",
    "show_example": "ft_runtime.tokens",
    "lora_config": "ft_runtime.models",
    "quantization_config": "ft_runtime.models",
    "load_model": "ft_runtime.models",
    "training_arguments": "ft_runtime.training",
    "build_trainer": "ft_runtime.training",
    "train": "ft_runtime.training",
    "evaluate": "ft_runtime.evaluation",
    "save_model": "ft_runtime.artifacts",
    "demonstrate": "ft_runtime.evaluation",
    "environment": "ft_runtime.versions",
    "smoke_test": "ft_runtime.smoke",
    "finish_run": "ft_runtime.runs",
    "Config": "ft_runtime.config",
    "Finding": "ft_runtime.findings",
    "FindingsError": "ft_runtime.findings",
}

__all__ = [
    "Config",
    "Finding",
    "FindingsError",
    "__version__",
    "build_trainer",
    "check_config",
    "demonstrate",
    "detect_device",
    "environment",
    "evaluate",
    "finish_run",
    "load_config",
    "load_model",
    "load_rows",
    "load_tokenizer",
    "lora_config",
    "prepare_data",
    "quantization_config",
    "save_model",
    "seed_everything",
    "show_example",
    "smoke_test",
    "split_rows",
    "start_run",
    "train",
    "training_arguments",
]

if TYPE_CHECKING:
    from ft_runtime.artifacts import save_model
    from ft_runtime.config import Config, check_config, load_config
    from ft_runtime.data import load_rows, split_rows
    from ft_runtime.devices import detect_device
    from ft_runtime.evaluation import demonstrate, evaluate
    from ft_runtime.findings import Finding, FindingsError
    from ft_runtime.models import load_model, load_tokenizer, lora_config, quantization_config
    from ft_runtime.runs import finish_run, start_run
    from ft_runtime.seeding import seed_everything
    from ft_runtime.smoke import smoke_test
    from ft_runtime.tokens import prepare_data, show_example
    from ft_runtime.training import build_trainer, train, training_arguments
    from ft_runtime.versions import environment


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
