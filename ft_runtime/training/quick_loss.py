"""The loss of a language model, taken where its head is called: the logits are never whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.tokens.prepared import IGNORED
from ft_runtime.training.head_loss import Kernel, Logits, summed_loss

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass
class QuickLoss:
    """Takes a model's loss in place of its head.

    While a batch is computed the head's ``forward`` is replaced: it takes the hidden states at the
    supervised positions, adds up their loss in chunks, and hands on a single number in place of the
    logits, so that whatever wraps the model finds its way back through the graph. Before and after
    that the model is as it was.

    Parameters
    ----------
    model : PreTrainedModel or PeftModel
        Not wrapped for several processes; what `__call__` is given may be.
    after : callable, optional
        What the model does to its head's output.
    kernel : callable, optional
        A library's way to compute the loss behind a plain head.
    through : bool
        Whether the backward pass begins at the model's outputs, too, where it is told to gather the
        weights that it needs; they weigh nothing in the loss.
    """

    model: Any
    after: Logits | None = None
    kernel: Kernel | None = None
    through: bool = False

    @property
    def head(self) -> nn.Module:
        """The output layer, with the adapter that may be on it."""
        found: nn.Module = self.model.get_output_embeddings()
        return found

    def __call__(self, model: Any, inputs: Mapping[str, Any], smoothing: float = 0.0) -> Any:
        """Return the sum of the losses of all supervised tokens of a batch.

        Parameters
        ----------
        model : nn.Module
            The model, or what it is wrapped in.
        inputs : Mapping
            A batch with ``labels``; -100 where no loss is taken.
        smoothing : float
            Label smoothing.
        """
        kept = dict(inputs)
        positions, targets = supervised(kept.pop("labels"))
        with self._replaced(positions, targets, smoothing) as found:
            outputs = model(**kept)
        if not found:
            raise RuntimeError("the model did not call its output layer")
        return found[0] + 0.0 * outputs.logits.float().sum() if self.through else found[0]

    @contextlib.contextmanager
    def _replaced(
        self, positions: torch.Tensor, targets: torch.Tensor, smoothing: float
    ) -> Iterator[list[torch.Tensor]]:
        head = self.head
        original = head.forward
        own = "forward" in vars(head)
        found: list[torch.Tensor] = []

        def forward(hidden: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:  # noqa: ARG001
            rows = hidden.reshape(-1, hidden.shape[-1]).index_select(0, positions)
            loss = summed_loss(
                rows,
                targets,
                head,
                original,
                self.after,
                smoothing,
                self.kernel if len(rows) else None,
            )
            found.append(loss)
            handed = found[0].reshape(1, 1, 1)
            # What is spread over GPUs puts a hook on it, which a view could lose.
            return handed.clone() if self.through else handed

        head.forward = forward  # type: ignore[method-assign]
        try:
            yield found
        finally:
            if own:
                head.forward = original  # type: ignore[method-assign]
            else:
                del head.forward


def supervised(labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the flat positions that predict a supervised token, and those tokens.

    Parameters
    ----------
    labels : Tensor
        Shape (rows, tokens); the label of a token is predicted at the place before it.
    """
    from torch.nn import functional

    following = functional.pad(labels[:, 1:], (0, 1), value=IGNORED).flatten()
    positions = (following != IGNORED).nonzero().flatten()
    return positions, following[positions]
