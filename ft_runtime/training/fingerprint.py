"""Did training change the weights? Two sums per trainable tensor tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.training.partitions import whole

if TYPE_CHECKING:
    from torch import nn

Fingerprint = dict[str, tuple[float, float]]


def fingerprint(model: nn.Module) -> Fingerprint:
    """Return sum and Euclidean norm of every trainable tensor, by name, without copying any.

    Of tensors that are spread over several processes each takes those of its shards; all must call
    this together, and get the same.
    """
    import torch

    found: Fingerprint = {}
    spread = set()
    for name, weights in model.named_parameters():
        if weights.requires_grad:
            # Apple's GPUs have no 64-bit floats.
            exact = torch.float32 if weights.device.type == "mps" else torch.float64
            with whole(weights) as there:
                values: Any = there.detach()
                if hasattr(values, "to_local"):
                    values = values.to_local()
                    spread.add(name)
                norm = torch.linalg.vector_norm(values, dtype=exact)
                found[name] = (float(values.sum(dtype=exact)), float(norm))
    if not spread:
        return found
    parts = processes.gather({name: found[name] for name in spread})
    return found | {name: _together([part[name] for part in parts]) for name in spread}


def _together(parts: list[tuple[float, float]]) -> tuple[float, float]:
    """Return sum and norm of a tensor from those of its shards."""
    return sum(total for total, _ in parts), math.hypot(*(norm for _, norm in parts))


def changed(before: Fingerprint, after: Fingerprint) -> list[str]:
    """Return the names of the tensors that differ (a NaN differs from everything)."""
    return [name for name, sums in after.items() if before.get(name) != sums]
