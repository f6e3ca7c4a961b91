"""What a step will take: measured on two short rows, and drawn out to the longest batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ft_runtime.fit.step import without_trace

_SHORT = (8, 24)
"""Tokens of the two rows that are measured."""
# Bytes of AdamW's states for a weight (Loshchilov and Hutter 2019), and of its 8-bit forms.
_STATES = {"adamw_bnb_8bit": 2, "paged_adamw_8bit": 2, "sgd": 0, "adafactor": 1}
_ADAMW = 8


@dataclass(frozen=True)
class Estimate:
    """Bytes that training takes on top of the model.

    Attributes
    ----------
    fixed : int
        Gradients, states of the optimizer, and copies of weights in another number type.
    per_token : float
        What the backward pass needs of one token.
    """

    fixed: int
    per_token: float

    def of(self, tokens: int) -> int:
        """Return the bytes of a micro-batch."""
        return round(self.fixed + self.per_token * tokens)


def estimate(trainer: Any, model: Any, row: Mapping[str, Any]) -> Estimate:
    """Measure what the backward pass keeps, and add what every step takes.

    torch tells which tensors it saves (``torch.autograd.graph.saved_tensors_hooks``); what does not
    grow with the row are copies of weights. The line through two points is exact where attention
    keeps no matrix.

    Parameters
    ----------
    trainer : Trainer
        From `build_trainer`, in its training.
    model : Module
        The model as it is trained: wrapped.
    row : mapping
        A training row, the longer the better.
    """
    sizes = sorted({min(size, len(row["input_ids"])) for size in _SHORT})
    points = [(size, _saved_bytes(trainer, model, _start_of(row, size))) for size in sizes]
    (short, least), (long, most) = points[0], points[-1]
    slope = (most - least) / (long - short) if long > short else least / max(short, 1)
    constant = max(0, round(least - slope * short))
    if trainer.divided:
        # What is gathered for a layer is let go of behind it, whatever refers to it.
        constant = gathered_bytes(trainer.model, trainer.half)
    return Estimate(constant + gradient_bytes(trainer) + state_bytes(trainer), max(slope, 0.0))


def gradient_bytes(trainer: Any) -> int:
    """Return the bytes of all gradients that this process keeps."""
    weights = [_here(weight) for weight in trainer.model.parameters() if weight.requires_grad]
    return sum(weight.numel() * weight.element_size() for weight in weights)


def gathered_bytes(model: Any, half: bool) -> int:
    """Return the bytes of weights, and of their gradients, that are whole at one time (FSDP 2).

    What belongs to no layer stays gathered from the forward pass to the end of the backward pass;
    of the layers two are whole, for the next one is gathered while one is computed. A layer's
    gradient is whole, in float32, until it is summed and spread.
    """
    from torch.distributed.fsdp import FSDPModule

    units = [module for module in model.modules() if isinstance(module, FSDPModule)]
    sizes = [sum(weight.numel() for weight in unit.parameters()) for unit in units]
    trained = [
        sum(weight.numel() for weight in unit.parameters() if weight.requires_grad)
        for unit in units
    ]
    if not units:
        return 0
    root, layers = sizes[0] - sum(sizes[1:]), sorted(sizes[1:])
    weights = root + sum(layers[-2:])
    return weights * (2 if half else 4) + 4 * max(trained[1:], default=trained[0])


def state_bytes(trainer: Any) -> int:
    """Return the bytes that the optimizer will still take; none once it has its states."""
    optimizer = trainer.optimizer
    if optimizer is None or optimizer.state_dict()["state"]:
        return 0
    name = getattr(trainer.args.optim, "value", str(trainer.args.optim))
    trained = sum(_here(p).numel() for p in trainer.model.parameters() if p.requires_grad)
    return trained * _STATES.get(name, _ADAMW)


def _here(weight: Any) -> Any:
    """Return what this process has of a weight."""
    return weight.to_local() if hasattr(weight, "to_local") else weight


def _start_of(row: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Return the first tokens of a row, with a loss on all of them."""
    ids = list(row["input_ids"][:size])
    labels = row["labels"]
    return {**row, "input_ids": ids, "labels": ids if hasattr(labels, "__len__") else labels}


def _saved_bytes(trainer: Any, model: Any, row: dict[str, Any]) -> int:
    """Return the bytes that the backward pass of a row needs, weights left out."""
    import torch

    known = {_here(p).untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def look(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        # An output that its own node of the graph keeps would hold graph and model for ever.
        return tensor.detach()

    with (
        without_trace(trainer, model),
        torch.autograd.graph.saved_tensors_hooks(look, lambda tensor: tensor),
        trainer._laid_out([row]) as batch,
    ):
        model.train()
        inputs = trainer._prepare_inputs(batch)
        loss = trainer.compute_loss(model, inputs, num_items_in_batch=torch.tensor(1))
        del loss
    return sum(kept.values())
