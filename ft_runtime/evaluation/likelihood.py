"""Negative log-likelihood of each held-out row's supervised tokens."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ft_runtime.evaluation.batches import by_length, pad
from ft_runtime.evaluation.state import inner
from ft_runtime.progress import track

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

IGNORED = -100
"""Label of a position that carries no loss."""


def row_likelihoods(
    model: Any,
    rows: Sequence[dict[str, list[int]]],
    pad_id: int,
    batch_size: int,
    label: str = "perplexity",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum the negative log-likelihood of the supervised tokens of each row.

    Logits are made for one batch at a time and, where the model allows it, only at positions that
    predict a supervised token; they are raised to float32 row by row and summed in float64, so that
    the result does not depend on the batch size beyond rounding.

    Parameters
    ----------
    model : transformers model or PeftModel
        A causal language model in evaluation mode.
    rows : sequence of dict, length n
        ``input_ids`` and ``labels`` of equal length; label -100 carries no loss.
    pad_id : int
        Fills shorter rows on the right, under the attention mask.
    batch_size : int
        Rows a forward pass.
    label : str
        Shown while it goes on.

    Returns
    -------
    nll : ndarray, shape (n,)
        Nats.
    tokens : ndarray, shape (n,)
        Supervised tokens with a prediction (the first token of a row has none).
    """
    import numpy as np
    import torch

    nll, tokens = np.zeros(len(rows)), np.zeros(len(rows))
    narrow = "logits_to_keep" in inspect.signature(inner(model).forward).parameters
    batches = by_length([len(row["input_ids"]) for row in rows], batch_size)
    for batch in track(batches, len(batches), label):
        with torch.no_grad():
            sums, counts = _batch(model, [rows[index] for index in batch], pad_id, narrow)
        nll[batch], tokens[batch] = sums, counts
    return nll, tokens


def _batch(
    model: Any, rows: list[dict[str, list[int]]], pad_id: int, narrow: bool
) -> tuple[list[float], list[int]]:
    """Return the summed NLL and the number of supervised tokens of each row of one batch."""
    import torch

    device = inner(model).device
    ids, mask = pad([row["input_ids"] for row in rows], pad_id, "right", device)
    labels, _ = pad([row["labels"] for row in rows], IGNORED, "right", device)
    targets = labels[:, 1:]
    keep = (targets != IGNORED).any(dim=0).nonzero().squeeze(-1)
    if keep.numel() == 0:
        return [0.0] * len(rows), [0] * len(rows)
    logits = _logits(model, ids, mask, keep if narrow else None)
    if logits.shape[1] != keep.numel():  # the model made all of them
        logits = logits[:, keep]
    targets = targets[:, keep]
    sums, counts = [], []
    for row_logits, row_targets in zip(logits, targets, strict=True):
        chosen = row_targets != IGNORED
        losses = torch.nn.functional.cross_entropy(
            row_logits[chosen].float(), row_targets[chosen], reduction="none"
        )
        sums.append(float(losses.cpu().double().sum()))  # Apple's GPUs have no float64
        counts.append(int(chosen.sum()))
    return sums, counts


def _logits(
    model: Any, ids: torch.Tensor, mask: torch.Tensor, keep: torch.Tensor | None
) -> torch.Tensor:
    """Return logits, shape (rows, positions, vocabulary)."""
    options = {} if keep is None else {"logits_to_keep": keep}
    output = model(input_ids=ids, attention_mask=mask, use_cache=False, **options)
    return output.logits
