"""Next-token loss that never holds the logits of all tokens at once.

A vocabulary of 32,000 makes the logits a hundred times larger than the hidden states that they come
from. Only those at supervised positions matter, and only a few rows of them at a time: each chunk's
part of the loss, and of the gradient, is made before the next one begins.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

Logits = Callable[["torch.Tensor"], "torch.Tensor"]
Kernel = Callable[..., "torch.Tensor"]

CHUNK = 1 << 23
"""Logits made at a time with a frozen head: 32 MiB in float32."""
_TOGETHER = 4
"""Chunks whose part of a trained head's gradient is made at once."""
TRAINED_CHUNK = 1 << 25
"""The same for a head that is asked for its gradients: each chunk adds one of its whole size."""


def summed_loss(
    hidden: torch.Tensor,
    targets: torch.Tensor,
    head: nn.Module,
    logits_of: Logits | None = None,
    after: Logits | None = None,
    smoothing: float = 0.0,
    kernel: Kernel | None = None,
) -> torch.Tensor:
    """Return the sum of the cross-entropies of `targets`, in float32.

    Parameters
    ----------
    hidden : Tensor
        Shape (tokens, hidden size): what the head sees at supervised positions.
    targets : Tensor
        Shape (tokens,): the token that comes next.
    head : nn.Module
        The output layer. Gradients reach its weights where they are trained: those of an adapter,
        of tied embeddings, of a bias.
    logits_of : callable, optional
        How to compute the head, where calling it would lead back here.
    after : callable, optional
        What the model does to the head's output, such as soft capping.
    smoothing : float
        Label smoothing, as `torch.nn.functional.cross_entropy` knows it.
    kernel : callable, optional
        A library's way to do this behind a plain linear layer.

    Notes
    -----
    The gradient with respect to `hidden`, and to trained weights, is made in the forward pass, for
    a loss with weight one; the backward pass multiplies it. In fp16 the small quotient of a step's
    tokens is thereby kept out of 16 bits.
    """
    if after is None and not smoothing and _is_linear(head):
        if kernel is not None:
            kind = _compute_type(hidden, head.weight)
            bias = None if head.bias is None else head.bias.to(kind)
            return kernel(hidden.to(kind), head.weight.to(kind), targets, bias)
        return _linear_class().apply(hidden, targets, head.weight, head.bias)
    trained = [weight for weight in head.parameters() if weight.requires_grad]
    return _any_class().apply(
        hidden, targets, logits_of or head, after, smoothing, _width(head), *trained
    )


def _is_linear(head: nn.Module) -> bool:
    """Return True for a plain matrix product that nothing is hooked on to."""
    from torch import nn

    hooked = head._forward_hooks or head._forward_pre_hooks
    return type(head) is nn.Linear and not hooked and head.weight.is_floating_point()


def _width(head: nn.Module) -> int:
    """Return the vocabulary's size, or a guess that is large enough, to size the chunks by."""
    for name in ("out_features", "num_embeddings"):
        if isinstance(getattr(head, name, None), int):
            return int(getattr(head, name))
    return max((max(weight.shape) for weight in head.parameters()), default=1 << 15)


def _rows(width: int, size: int) -> int:
    return max(16, size // max(1, width))


def _compute_type(hidden: torch.Tensor, weight: torch.Tensor) -> torch.dtype:
    """Return the number type of the matrix products: autocast's, else the weights' own."""
    import torch

    device = hidden.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype


@lru_cache(maxsize=1)
def _linear_class() -> Any:
    import torch
    from torch.nn import functional

    class LinearHeadLoss(torch.autograd.Function):
        """Cross-entropy behind a linear layer: no logits outlive their chunk."""

        @staticmethod
        def forward(
            ctx: Any,
            hidden: torch.Tensor,
            targets: torch.Tensor,
            weight: torch.Tensor,
            bias: torch.Tensor | None,
        ) -> torch.Tensor:
            kind = _compute_type(hidden, weight)
            deeper, _, trained, shifted = ctx.needs_input_grad
            gradient = torch.empty_like(hidden) if deeper else None
            weights = _WeightGradient(weight, kind) if trained else None
            biases = torch.zeros_like(bias) if shifted and bias is not None else None
            weight = weight.to(kind)
            bias = None if bias is None else bias.to(kind)
            total = torch.zeros((), dtype=torch.float32, device=hidden.device)
            step = _rows(weight.shape[0], CHUNK)
            with torch.autocast(hidden.device.type, enabled=False):
                for start in range(0, len(targets), step):
                    part = slice(start, start + step)
                    there = targets[part].unsqueeze(1)
                    inputs = hidden[part].to(kind)
                    logits = functional.linear(inputs, weight, bias)
                    chances = torch.softmax(logits, -1, dtype=torch.float32)
                    # log(sum(exp(x))) = max(x) - log(max(softmax(x))): spares a pass over all.
                    top = logits.amax(-1, keepdim=True).float()
                    scale = top - chances.amax(-1, keepdim=True).log()
                    total += (scale - logits.gather(1, there).float()).sum()
                    del logits
                    if gradient is None and weights is None and biases is None:
                        continue
                    # d loss / d logits = softmax - one at the target
                    chances.scatter_add_(1, there, chances.new_full(there.shape, -1.0))
                    if biases is not None:
                        biases += chances.sum(0)
                    slopes = chances.to(kind)
                    if gradient is not None:
                        gradient[part] = (slopes @ weight).to(gradient.dtype)
                    if weights is not None:
                        weights.add(slopes, inputs)
            ctx.gradients = gradient, weights.total() if weights is not None else None, biases
            return total

        @staticmethod
        def backward(ctx: Any, weight: torch.Tensor) -> tuple[Any, ...]:
            (gradient, weights, biases), ctx.gradients = ctx.gradients, None
            found = None if gradient is None else (gradient * weight).to(gradient.dtype)
            for part in (weights, biases):
                if part is not None:
                    part.mul_(weight)
            return found, None, weights, biases

    return LinearHeadLoss


class _WeightGradient:
    """Adds up the gradient of the head's weights, some chunks at a time.

    It is as large as the weights: adding a small part to it costs more than making the part.
    """

    def __init__(self, weight: torch.Tensor, kind: torch.dtype) -> None:
        import torch

        self._sum = torch.zeros_like(weight)
        self._kind = kind
        self._waiting: list[tuple[torch.Tensor, torch.Tensor]] = []

    def add(self, slopes: torch.Tensor, inputs: torch.Tensor) -> None:
        """Take d loss / d logits, shape (tokens, vocabulary), and the hidden states below."""
        if self._sum.dtype == self._kind:
            self._sum.addmm_(slopes.T, inputs)
            return
        self._waiting.append((slopes, inputs))
        if len(self._waiting) == _TOGETHER:
            self._settle()

    def total(self) -> torch.Tensor:
        """Return the whole gradient, in the number type of the weights."""
        self._settle()
        return self._sum

    def _settle(self) -> None:
        import torch

        if self._waiting:
            slopes = torch.cat([slopes for slopes, _ in self._waiting])
            self._sum += slopes.T @ torch.cat([inputs for _, inputs in self._waiting])
            self._waiting = []


@lru_cache(maxsize=1)
def _any_class() -> Any:
    import torch
    from torch.nn import functional

    class AnyHeadLoss(torch.autograd.Function):
        """Cross-entropy behind any output layer; the layer itself tells its gradients."""

        @staticmethod
        def forward(
            ctx: Any,
            hidden: torch.Tensor,
            targets: torch.Tensor,
            logits_of: Logits,
            after: Logits | None,
            smoothing: float,
            width: int,
            *trained: torch.Tensor,
        ) -> torch.Tensor:
            wanted = list(ctx.needs_input_grad[6:])
            deeper = ctx.needs_input_grad[0]
            gradient = torch.zeros_like(hidden) if deeper else None
            sums = [
                torch.zeros_like(weight) if needed else None
                for weight, needed in zip(trained, wanted, strict=True)
            ]
            total = torch.zeros((), dtype=torch.float32, device=hidden.device)
            step = _rows(width, TRAINED_CHUNK if trained else CHUNK)
            for start in range(0, len(targets), step):
                part = slice(start, start + step)
                with torch.set_grad_enabled(deeper or any(wanted)):
                    inputs = hidden[part].detach().requires_grad_(deeper)
                    logits = logits_of(inputs)
                    logits = (logits if after is None else after(logits)).float()
                    loss = functional.cross_entropy(
                        logits, targets[part], reduction="sum", label_smoothing=smoothing
                    )
                    del logits
                total += loss.detach()
                asked = [w for w, needed in zip(trained, wanted, strict=True) if needed]
                asked = [inputs, *asked] if deeper else asked
                if not asked:
                    continue
                parts = iter(torch.autograd.grad(loss, asked, allow_unused=True))
                if gradient is not None:
                    gradient[part] = next(parts)
                for place in (place for place, needed in enumerate(wanted) if needed):
                    found = next(parts)
                    if found is not None:
                        sums[place] += found
            ctx.gradients = gradient, sums
            return total

        @staticmethod
        def backward(ctx: Any, weight: torch.Tensor) -> tuple[Any, ...]:
            (gradient, sums), ctx.gradients = ctx.gradients, None
            found = None if gradient is None else (gradient * weight).to(gradient.dtype)
            weights = [None if part is None else part.mul_(weight) for part in sums]
            return (found, None, None, None, None, None, *weights)

    return AnyHeadLoss
