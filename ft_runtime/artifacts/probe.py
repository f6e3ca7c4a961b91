"""Do two models compute the same? Logits on one fixed text, and how much they may differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.evaluation.generate import context_length
from ft_runtime.evaluation.state import inner, undisturbed

if TYPE_CHECKING:
    import torch

TEXT = (
    "Question: what is the sum of 12 and 30? Answer: 42.\n"
    "The quick brown fox jumps over the lazy dog, twice a day; nobody knows why.\n"
    "def add(a, b):\n    return a + b\n"
)
"""The text that models are compared on: prose, digits, punctuation, code."""

_LENGTH = 64
RELATIVE_TOLERANCE = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 6e-2}
"""Largest difference of two logits, as a share of the largest logit (at least 1), by the coarser
dtype of the two models. About eight units of the last place in 16 bit: merging rounds each weight
once and the error of a layer is carried through those above it. In float32 it leaves room for sums
taken in another order."""


@dataclass(frozen=True)
class LogitCheck:
    """How far the logits of two models are apart on the same tokens.

    Attributes
    ----------
    max_abs_diff, mean_abs_diff : float
        Over all positions and the vocabulary (or the labels).
    tolerance : float
        Largest difference that passes.
    top1_agreement : float
        Share of positions whose most probable token (or label) is the same.
    positions : int
        Positions compared.
    dtype : str
        The coarser dtype of the two.
    """

    max_abs_diff: float
    mean_abs_diff: float
    tolerance: float
    top1_agreement: float
    positions: int
    dtype: str

    @property
    def passed(self) -> bool:
        """True when the difference is within the tolerance; NaN never is."""
        return self.max_abs_diff <= self.tolerance

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "passed": self.passed}


def probe_rows(tokenizer: Any, model: Any) -> list[list[int]]:
    """Return the token rows that `model` is probed with, at most 64 tokens each.

    A language model has logits at every position: one row of the fixed text. A classifier has them
    once a row: each line of it.
    """
    limit = min(_LENGTH, context_length(model) or _LENGTH)
    texts = TEXT.splitlines() if is_classifier(model) else [TEXT]
    return [[int(token) for token in tokenizer(text)["input_ids"]][:limit] for text in texts]


def is_classifier(model: Any) -> bool:
    """Return True for a sequence classifier."""
    return "SequenceClassification" in type(inner(model)).__name__


def logits_of(model: Any, rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return the logits of every position on the CPU in float32, shape (positions, classes)."""
    import torch

    found = []
    with undisturbed(model):
        for row in rows:
            ids = torch.tensor([list(row)], dtype=torch.long, device=inner(model).device)
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
            found.append(logits.float().cpu().reshape(-1, logits.shape[-1]))
    return torch.cat(found)


def compare_logits(first: torch.Tensor, second: torch.Tensor, dtype: str) -> LogitCheck:
    """Compare two sets of logits of equal shape.

    Parameters
    ----------
    first, second : torch.Tensor
        As `logits_of` returns them.
    dtype : str
        ``float32``, ``float16`` or ``bfloat16``: the coarser of what the two were computed in.
    """
    difference = (first - second).abs()
    scale = max(1.0, float(first.abs().max()))
    return LogitCheck(
        max_abs_diff=float(difference.max()),
        mean_abs_diff=float(difference.mean()),
        tolerance=RELATIVE_TOLERANCE[dtype] * scale,
        top1_agreement=float((first.argmax(-1) == second.argmax(-1)).float().mean()),
        positions=int(first.shape[0]),
        dtype=dtype,
    )


def compute_dtype(model: Any) -> str:
    """Return the coarsest of ``float32``, ``float16``, ``bfloat16`` that the model computes in."""
    found = {str(tensor.dtype).removeprefix("torch.") for tensor in model.parameters()}
    quantisation = getattr(inner(model).config, "quantization_config", None)
    compute = getattr(quantisation, "bnb_4bit_compute_dtype", None)
    if compute is not None:
        found.add(str(compute).removeprefix("torch."))
    for name in ("bfloat16", "float16"):
        if name in found:
            return name
    return "float32"
