"""Did training change the weights? Two sums per trainable tensor tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

Fingerprint = dict[str, tuple[float, float]]


def fingerprint(model: nn.Module) -> Fingerprint:
    """Return sum and Euclidean norm of every trainable tensor, by name, without copying any."""
    import torch

    found: Fingerprint = {}
    for name, weights in model.named_parameters():
        if weights.requires_grad:
            # Apple's GPUs have no 64-bit floats.
            exact = torch.float32 if weights.device.type == "mps" else torch.float64
            values = weights.detach()
            norm = torch.linalg.vector_norm(values, dtype=exact)
            found[name] = (float(values.sum(dtype=exact)), float(norm))
    return found


def changed(before: Fingerprint, after: Fingerprint) -> list[str]:
    """Return the names of the tensors that differ (a NaN differs from everything)."""
    return [name for name, sums in after.items() if before.get(name) != sums]
