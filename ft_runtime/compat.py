"""The one room for what differs between versions of the libraries we stand on.

Supported: transformers 5.15 to 5.23, peft 0.20 to 0.21, huggingface_hub 1.27 to 2.4. Nothing else
in this package asks for a version number: it asks this module for a behaviour.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import logging
import math
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ft_runtime import imports

if TYPE_CHECKING:
    from types import ModuleType

TORCHAO_MINIMUM = (0, 16)
"""Below this version peft raises ImportError as soon as it builds a LoRA layer."""
DEEPSPEED_MINIMUM = (0, 19)
"""The oldest release that our tests have trained with; its autocast and engine are what we use."""

_RENAMED = {
    "evaluation_strategy": "eval_strategy",
    "no_cuda": "use_cpu",
    "gradient_checkpointing": "activation_checkpointing",
    "gradient_checkpointing_kwargs": "activation_checkpointing_kwargs",
    "group_by_length": "train_sampling_strategy",
}
_TALKATIVE = ("transformers", "bitsandbytes.backends.cpu.ops", "bitsandbytes.autograd._functions")
_DROPPED = ("overwrite_output_dir",)


def training_arguments_kwargs(options: Mapping[str, Any]) -> dict[str, Any]:
    """Translate `TrainingArguments` keywords into those of the installed transformers.

    A keyword that the installed class accepts under its current name is passed on. The others are
    translated: ``warmup_ratio`` to a fractional ``warmup_steps`` (a ratio of 0 changes nothing),
    ``logging_dir`` to the variable ``TENSORBOARD_LOGGING_DIR`` of this process,
    ``gradient_checkpointing`` to ``activation_checkpointing``, ``group_by_length`` to
    ``train_sampling_strategy``; ``overwrite_output_dir`` has no meaning any more and goes.

    Parameters
    ----------
    options : Mapping
        Keywords, old or new names.

    Returns
    -------
    dict
        What to pass as ``TrainingArguments(**kwargs)``.

    Notes
    -----
    Names that no version knows are passed on, so that the class itself refuses them by name.
    """
    from transformers import TrainingArguments

    known = set(inspect.signature(TrainingArguments).parameters)
    return translate_keywords(options, known)


def translate_keywords(options: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """Translate `options` for a `TrainingArguments` that accepts the names in `known`."""
    kwargs: dict[str, Any] = {}
    for name, value in options.items():
        if name in _DROPPED and name not in known:
            continue
        if name == "warmup_ratio" and name not in known:
            if value:
                kwargs["warmup_steps"] = _fraction(float(value))
        elif name == "logging_dir" and name not in known:
            os.environ["TENSORBOARD_LOGGING_DIR"] = str(value)
        elif name == "group_by_length" and name not in known:
            kwargs[_RENAMED[name]] = "group_by_length" if value else "random"
        elif _RENAMED.get(name) in known:
            kwargs[_RENAMED[name]] = value
        else:
            kwargs[name] = value
    return kwargs


def _fraction(ratio: float) -> float:
    """Keep `ratio` below 1: as `warmup_steps`, 1.0 would mean one step and not all of them."""
    return min(ratio, math.nextafter(1.0, 0.0))


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the libraries from saying what is expected here or is told better as a finding.

    Silenced are the loading report of transformers (a new classification head is no fault), peft
    0.21 asking transformers 5.23 by a deprecated name, and bitsandbytes telling on a CPU of an
    optional package. Errors are still raised.
    """
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*deprecated")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def hush_bitsandbytes() -> None:
    """Keep bitsandbytes from repeating itself at every matrix product, for this process.

    In 8 bit it warns of a cast each time; on a CPU it tells of an optional package that is missing.
    """
    for name in _TALKATIVE[1:]:
        logging.getLogger(name).setLevel(logging.ERROR)


def plain_forward(model: Any) -> None:
    """Take the mixed-precision wrapper off a model that a Trainer has trained.

    accelerate leaves it on: the model would go on computing in 16 bits, and giving answers that
    differ from those of the same weights loaded from their files.
    """
    from accelerate.utils import extract_model_from_parallel

    extract_model_from_parallel(model, keep_fp32_wrapper=False)


@contextmanager
def no_adapter_casts(model: Any) -> Iterator[None]:
    """Keep peft from turning the input of each adapter into float32 while the block runs.

    Under autocast it would be turned back at once: two copies of every activation for nothing.
    DoRA computes norms outside of autocast's reach, and keeps its casts.
    """
    layers = [
        layer
        for layer in model.modules()
        if getattr(layer, "cast_input_dtype_enabled", False)
        and hasattr(layer, "lora_A")
        and not any(dict(getattr(layer, "use_dora", {})).values())
        and not getattr(layer, "lora_magnitude_vector", None)
    ]
    for layer in layers:
        layer.cast_input_dtype_enabled = False
    try:
        yield
    finally:
        for layer in layers:
            layer.cast_input_dtype_enabled = True


def http_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that mean "the hub could not be reached", whatever client is used.

    huggingface_hub 2 talks through ``httpx2``, 1.x through ``httpx``; both have a base class
    ``HTTPError``. Connection errors of the standard library are there too.
    """
    found: list[type[Exception]] = [ConnectionError, TimeoutError]
    for name in ("httpx2", "httpx"):
        if importlib.util.find_spec(name) is not None:
            found.append(importlib.import_module(name).HTTPError)
    return tuple(found)


def import_peft() -> ModuleType:
    """Import peft so that it works beside a torchao that it refuses.

    peft >= 0.19 raises ImportError on plain LoRA when it finds a torchao older than 0.16, although
    LoRA does not need torchao; Colab's image carries 0.10. Such a torchao is hidden from peft, and
    from peft alone: it stays installed, at its version, for whoever else uses it.

    Returns
    -------
    module
        peft.
    """
    with quiet_libraries():
        peft = imports.import_peft()
    if torchao_refused():
        hide_torchao()
    return peft


def torchao_refused() -> bool:
    """Return True if a torchao is installed that peft would refuse."""
    if importlib.util.find_spec("torchao") is None:
        return False
    try:
        version = importlib.metadata.version("torchao")
    except importlib.metadata.PackageNotFoundError:
        return False
    return _release(version) < TORCHAO_MINIMUM


def deepspeed_problem() -> str | None:
    """Return what is wrong with the DeepSpeed that is here; None where it will do."""
    try:
        version = importlib.metadata.version("deepspeed")
    except importlib.metadata.PackageNotFoundError:
        return "none"
    return version if _release(version) < DEEPSPEED_MINIMUM else None


def hide_torchao() -> None:
    """Make peft believe that there is no torchao, in every module that already asked.

    ``from peft.import_utils import is_torchao_available`` binds the function by name in each module
    that needs it, so the name is replaced wherever it is already bound; modules of peft that are
    imported later take it from `peft.import_utils` and get the replacement too.
    """
    for name, module in list(sys.modules.items()):
        if name.split(".", 1)[0] == "peft" and hasattr(module, "is_torchao_available"):
            setattr(module, "is_torchao_available", _no_torchao)  # noqa: B010


def _no_torchao() -> bool:
    return False


def _release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: ``0.10.0+cpu`` -> (0, 10, 0)."""
    numbers: list[int] = []
    for part in version.split("+", 1)[0].split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
