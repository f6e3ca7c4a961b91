"""Does a model keep packed rows apart? Asked of the model itself, not of a list of names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ft_runtime.findings import Finding, finding
from ft_runtime.tokens.collate import PackedCollator

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_LENGTH = 6
# Of the spread of the logits. A leak moves them by far more; rounding in bfloat16 by less.
_LEAK = 1e-3
_SHIFT = 0.1


def check_packing(model: PreTrainedModel | Any, attention: str | None = None) -> list[Finding]:
    """Run a few tokens through the model, packed behind other rows and alone, and compare.

    Parameters
    ----------
    model : PreTrainedModel or PeftModel
        Left in the mode (training or evaluation) in which it came.
    attention : str, optional
        The attention for packed rows, by its name in transformers; by default the model's own, with
        the block mask that transformers makes of positions that restart.

    Returns
    -------
    list of Finding
        Empty when a row's logits do not depend on the row before it; else ``tokens.packing_leaks``
        or, when the model does not accept packed rows at all, ``tokens.packing_refused``.
    """
    import torch

    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            alone, behind_one, behind_other = _logits(model, attention)
    except (
        TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError, KeyError,
    ) as error:  # fmt: skip
        return [finding("tokens.packing_refused", "hyperparams.packing", got=str(error)[:300])]
    finally:
        model.train(training)
    spread = float(alone.std()) or 1.0
    leak = float((behind_one - behind_other).abs().max()) / spread
    shift = float((behind_one - alone).abs().max()) / spread
    # Written so that a NaN is a leak, too.
    if leak <= _LEAK and shift <= _SHIFT:
        return []
    return [finding("tokens.packing_leaks", "hyperparams.packing", got=f"{max(leak, shift):.2g}")]


def probe_numbers(model: Any) -> list[int]:
    """Return token ids from all over the vocabulary, for three rows."""
    size = int(model.get_input_embeddings().weight.shape[0])
    step = max(size // (3 * _LENGTH), 1)
    return [number * step % size for number in range(3 * _LENGTH)]


def probe_row(model: Any) -> torch.Tensor:
    """Return a batch of one row to try a model with, int64 of shape (1, tokens)."""
    import torch

    device = model.get_input_embeddings().weight.device
    return torch.tensor([probe_numbers(model)], dtype=torch.int64, device=device)


def _logits(model: Any, attention: str | None) -> tuple[Any, Any, Any]:
    """Return the logits of one row: alone, packed behind a row, packed behind another."""
    from ft_runtime.training.segments import SEGMENTS, switched

    numbers = probe_numbers(model)
    first, other, row = (
        numbers[:_LENGTH],
        numbers[_LENGTH : 2 * _LENGTH],
        numbers[2 * _LENGTH :],
    )
    device = model.get_input_embeddings().weight.device
    found = []
    for rows in ([row], [first, row], [other, row]):
        packed = attention if len(rows) > 1 else None
        batch = PackedCollator(packed)([{"input_ids": ids, "labels": ids} for ids in rows])
        batch.pop("labels")
        moved = {
            name: value.to(device) if hasattr(value, "to") else value
            for name, value in batch.items()
        }
        lengths = None if packed is None else [len(ids) for ids in rows]
        with switched(model, packed), SEGMENTS.of(lengths):
            found.append(model(**moved).logits[0, -_LENGTH:].float())
    return found[0], found[1], found[2]
