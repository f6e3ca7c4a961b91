"""Kernels of other libraries for the loss behind a linear layer, where they are installed.

Both need a CUDA GPU. They compute what `head_loss` does: no logits outlive their chunk.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from ft_runtime.training.head_loss import Kernel


def installed_kernels(device: str) -> list[tuple[str, Kernel]]:
    """Return the kernels that this machine has, the one to prefer first, by their library's name.

    Parameters
    ----------
    device : str
        ``cpu``, ``cuda``, ``mps``.
    """
    if device != "cuda":
        return []
    known = [("liger_kernel", _liger), ("cut_cross_entropy", _cut)]
    return [(name, kernel) for name, kernel in known if importlib.util.find_spec(name)]


def _liger(
    hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    functions = importlib.import_module("liger_kernel.transformers.functional")
    found: torch.Tensor = functions.liger_fused_linear_cross_entropy(
        hidden, weight, targets, bias=bias, reduction="sum"
    )
    return found.float()


def _cut(
    hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    library = importlib.import_module("cut_cross_entropy")
    found: torch.Tensor = library.linear_cross_entropy(
        hidden, weight, targets, bias=bias, reduction="sum"
    )
    return found.float()
