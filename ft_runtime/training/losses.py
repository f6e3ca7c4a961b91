"""The losses of models that do not take the mean over an optimizer step by themselves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def row_loss(
    outputs: Any,
    labels: torch.Tensor,
    num_items_in_batch: torch.Tensor | int | None = None,
    smoothing: float = 0.0,
) -> torch.Tensor:
    """Cross-entropy of a classifier: the sum over rows, divided by the rows of the optimizer step.

    Many classification heads take the mean of each batch and ignore `num_items_in_batch`, while the
    Trainer believes that they obey it: with accumulation their gradient would be too large by the
    number of batches.

    Parameters
    ----------
    outputs : ModelOutput
        ``logits`` of shape (rows, classes).
    labels : Tensor
        Shape (rows,).
    num_items_in_batch : Tensor or int, optional
        Rows of the whole optimizer step; the mean over this batch without it.
    smoothing : float
        Label smoothing, as `torch.nn.functional.cross_entropy` knows it.
    """
    logits = outputs["logits"]
    return _cross_entropy(logits, labels, num_items_in_batch, smoothing)


def token_loss(
    outputs: Any,
    labels: torch.Tensor,
    num_items_in_batch: torch.Tensor | int | None = None,
    smoothing: float = 0.0,
) -> torch.Tensor:
    """Next-token cross-entropy: the sum over supervised tokens, divided by those of the step.

    Parameters
    ----------
    outputs : ModelOutput
        ``logits`` of shape (rows, tokens, vocabulary).
    labels : Tensor
        Shape (rows, tokens); -100 where no loss is taken.
    num_items_in_batch : Tensor or int, optional
        Supervised tokens of the whole optimizer step; the mean over this batch without it.
    smoothing : float
        As for `row_loss`.
    """
    logits = outputs["logits"][:, :-1]
    targets = labels[:, 1:]
    return _cross_entropy(logits.flatten(0, 1), targets.flatten(), num_items_in_batch, smoothing)


def _cross_entropy(
    logits: torch.Tensor,
    targets: torch.Tensor,
    count: torch.Tensor | int | None,
    smoothing: float,
) -> torch.Tensor:
    from torch.nn import functional

    entropy = partial(functional.cross_entropy, label_smoothing=smoothing)
    targets = targets.to(logits.device)
    if count is None:
        return entropy(logits.float(), targets)
    total = entropy(logits.float(), targets, reduction="sum")
    return total / (count if isinstance(count, int) else count.to(total.device))
