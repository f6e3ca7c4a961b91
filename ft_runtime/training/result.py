"""What a training returns, and what a paused one raises."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ft_runtime.findings import Finding, FindingsError, text


@dataclass(frozen=True)
class TrainResult:
    """How a training went.

    Attributes
    ----------
    status : {"finished", "paused"}
    steps : int
        Optimizer steps done, over all sittings.
    total_steps : int
        Optimizer steps that the config asks for.
    epochs : float
        Passes over the training rows done.
    seconds : float
        Wall time of training, over all sittings.
    tokens, supervised_tokens : int
        Tokens without padding, over all sittings; those among them that the loss was taken on (for
        classification: the labels).
    train_loss_first, train_loss_last : float or None
        First and last logged loss, over all sittings.
    trainable_parameters, trainable_tensors : int
    changed_tensors : int or None
        How many of the trainable tensors this sitting changed; None when no step was left to it.
    resumed_from : int or None
        Step of the checkpoint that this sitting began with.
    checkpoint : str or None
        The newest verified checkpoint.
    """

    status: str
    steps: int
    total_steps: int
    epochs: float
    seconds: float
    tokens: int
    supervised_tokens: int
    train_loss_first: float | None
    train_loss_last: float | None
    trainable_parameters: int
    trainable_tensors: int
    changed_tensors: int | None
    resumed_from: int | None
    checkpoint: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data, for JSON."""
        return asdict(self)

    def __repr__(self) -> str:
        lines = [
            text(
                f"training.repr_{self.status}",
                steps=self.steps,
                total=self.total_steps,
                epochs=f"{self.epochs:.4g}",
                seconds=f"{self.seconds:.1f}",
            )
        ]
        if self.resumed_from is not None:
            lines.append(text("training.repr_resumed", step=self.resumed_from))
        if self.train_loss_first is not None and self.train_loss_last is not None:
            first, last = f"{self.train_loss_first:.4f}", f"{self.train_loss_last:.4f}"
            lines.append(text("training.repr_loss", first=first, last=last))
        tokens, supervised = f"{self.tokens:,}", f"{self.supervised_tokens:,}"
        lines.append(text("training.repr_tokens", tokens=tokens, supervised=supervised))
        weights = {
            "parameters": f"{self.trainable_parameters:,}",
            "tensors": self.trainable_tensors,
            "changed": self.changed_tensors,
        }
        moved = "untouched" if self.changed_tensors is None else "changed"
        lines.append(text(f"training.repr_{moved}", **weights))
        if self.checkpoint is not None:
            lines.append(text("training.repr_checkpoint", checkpoint=self.checkpoint))
        return "\n".join(lines)


class TrainingPaused(FindingsError):  # noqa: N818 - a pause is no error
    """Training stopped on request at the end of a step, with a verified checkpoint.

    Attributes
    ----------
    result : TrainResult
    """

    def __init__(self, findings: list[Finding], result: TrainResult) -> None:
        super().__init__(findings)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.findings, self.result)
