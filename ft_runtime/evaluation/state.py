"""Looking at a model without leaving a trace on it or on the random numbers of the session."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def inner(model: Any) -> Any:
    """Return the transformers model inside a PEFT model, or the model itself.

    LoRA layers live inside it, so it answers as the tuned model, or as the base while the adapter
    is disabled.
    """
    unwrap = getattr(model, "get_base_model", None)
    return unwrap() if callable(unwrap) else model


def is_adapter(model: Any) -> bool:
    """Return True for a model with a PEFT adapter."""
    return hasattr(model, "peft_config") and hasattr(model, "get_base_model")


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Put `model` in evaluation mode, without gradients; afterwards everything is as it was.

    Restored are the training flag of every module, the ``requires_grad`` flag of every parameter
    (enabling an adapter sets them), and the random states of Python, numpy and torch.

    Parameters
    ----------
    model : torch.nn.Module
        The model to look at.
    """
    import torch

    training = {name: module.training for name, module in model.named_modules()}
    gradients = {name: tensor.requires_grad for name, tensor in model.named_parameters()}
    with random_state_kept():
        model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            for name, module in model.named_modules():
                module.training = training.get(name, module.training)
            for name, tensor in model.named_parameters():
                wanted = gradients.get(name, tensor.requires_grad)
                if tensor.requires_grad != wanted:
                    tensor.requires_grad_(wanted)


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Restore the random states of Python, numpy and torch (all devices) afterwards."""
    import numpy as np
    import torch

    plain, array, tensor = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        yield
    finally:
        random.setstate(plain)
        np.random.set_state(array)
        torch.set_rng_state(tensor)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)


def free_memory() -> None:
    """Give the memory of models that nobody holds any more back to the device."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
