"""Proofs of learning: what a model was before training, and what must be true afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import Finding, finding, text

if TYPE_CHECKING:
    import torch

    from ft_runtime.artifacts.probe import LogitCheck

CANARY_FALL = 0.02
"""Share of its loss that the canary row must lose."""
MOVED_SHARE = 0.5
"""Share of the trained tensors that must have changed; some models have parts for pictures."""


@dataclass(frozen=True)
class Proof:
    """One thing that must be true after training.

    Attributes
    ----------
    name : {"steps", "weights", "base", "adapter", "canary", "reload"}
    passed : bool
    measured : str
        The numbers, for people.
    """

    name: str
    passed: bool
    measured: str

    @property
    def title(self) -> str:
        """What is claimed."""
        return text(f"smoke.{self.name}_title")

    def finding(self) -> Finding:
        """Return the error that tells of a proof that does not hold."""
        return finding(f"smoke.{self.name}", got=self.measured)


@dataclass(frozen=True)
class Before:
    """A model before its training.

    Attributes
    ----------
    trained, frozen : dict
        Copies of the weights, by name.
    used : frozenset of str
        Names of the adapted layers that the canary row runs through.
    canary : float
        Loss of the canary row, in nats a token (a classifier: a row).
    """

    trained: dict[str, torch.Tensor]
    frozen: dict[str, torch.Tensor]
    used: frozenset[str]
    canary: float


def hardest(model: Any, batches: Sequence[Mapping[str, Any]]) -> int:
    """Return the place of the batch with the highest loss: the canary.

    One that is right by chance can only get worse while the others are learned; this one cannot.
    """
    losses = [loss_of(model, batch) for batch in batches]
    return losses.index(max(losses))


def look(model: Any, canary: Mapping[str, Any]) -> Before:
    """Take down what `model` is like before training."""
    copies = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    wanted = {name for name, weight in model.named_parameters() if weight.requires_grad}
    with _seen(model) as used:
        loss = loss_of(model, canary)
    return Before(
        trained={name: weight for name, weight in copies.items() if name in wanted},
        frozen={name: weight for name, weight in copies.items() if name not in wanted},
        used=frozenset(used),
        canary=loss,
    )


def prove(
    model: Any,
    before: Before,
    canary: Mapping[str, Any],
    steps: int,
    expected_steps: int,
    reload: LogitCheck | str,
) -> tuple[Proof, ...]:
    """Compare a model with what it was.

    Parameters
    ----------
    model : torch.nn.Module
        After training.
    before : Before
    canary : Mapping
        The batch of the canary row.
    steps, expected_steps : int
        Optimizer steps taken, and due.
    reload : LogitCheck or str
        How the reloaded model compares, or why it could not be loaded.
    """
    proofs = [
        Proof("steps", 0 < steps == expected_steps, f"{steps} / {expected_steps}"),
        _weights(model, before),
    ]
    if before.frozen:
        proofs.append(_base(model, before))
    if any("lora_B" in name for name in before.trained):
        proofs.append(_adapter(model, before))
    return (*proofs, _canary(model, before, canary), _reload(reload))


def loss_of(model: Any, batch: Mapping[str, Any]) -> float:
    """Return the loss of a batch without dropout and without gradients."""
    import torch

    training = model.training
    device = next(model.parameters()).device
    tensors = {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in batch.items()
    }
    model.eval()
    try:
        with torch.no_grad():
            return float(model(**tensors).loss)
    finally:
        model.train(training)


def _weights(model: Any, before: Before) -> Proof:
    moved = _moved(model, before.trained)
    share = len(moved) / len(before.trained) if before.trained else 0.0
    measured = text("smoke.of", got=len(moved), total=len(before.trained))
    return Proof("weights", share >= MOVED_SHARE, measured)


def _base(model: Any, before: Before) -> Proof:
    moved = _moved(model, before.frozen)
    return Proof("base", not moved, text("smoke.of", got=len(moved), total=len(before.frozen)))


def _adapter(model: Any, before: Before) -> Proof:
    """Every B that the canary runs through must have left its start, which is zero for plain LoRA.

    A gradient that is cut off in the middle of the model leaves the layers below it at zero, and
    nothing else shows that.
    """
    wanted = {
        name
        for name in before.trained
        if ".lora_B." in name and name.split(".lora_B.")[0] in before.used
    }
    moved = _moved(model, {name: before.trained[name] for name in wanted})
    measured = text("smoke.of", got=len(moved), total=len(wanted))
    return Proof("adapter", bool(wanted) and len(moved) == len(wanted), measured)


def _canary(model: Any, before: Before, canary: Mapping[str, Any]) -> Proof:
    after = loss_of(model, canary)
    # Written so that a NaN does not pass.
    fell = after <= (1 - CANARY_FALL) * before.canary
    return Proof("canary", fell, f"{before.canary:.4f} → {after:.4f}")


def _reload(check: LogitCheck | str) -> Proof:
    if isinstance(check, str):
        return Proof("reload", False, check)
    values = {"got": f"{check.max_abs_diff:.2g}", "tolerance": f"{check.tolerance:.2g}"}
    return Proof("reload", check.passed, text("smoke.difference", **values))


def _moved(model: Any, copies: Mapping[str, torch.Tensor]) -> set[str]:
    import torch

    weights = dict(model.named_parameters())
    return {name for name, copy in copies.items() if not torch.equal(weights[name], copy)}


@contextmanager
def _seen(model: Any) -> Iterator[set[str]]:
    """Collect the names of the LoRA layers that compute something while the block runs."""
    names: set[str] = set()
    handles = [
        module.register_forward_hook(lambda *_, name=name: names.add(name))
        for name, module in model.named_modules()
        if hasattr(module, "lora_B")
    ]
    try:
        yield names
    finally:
        for handle in handles:
            handle.remove()
