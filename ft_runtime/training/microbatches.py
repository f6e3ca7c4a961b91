"""The rows of one optimizer step, cut into micro-batches by tokens.

Which rows make a step is the sampler's word and the config's batch size. How they are laid out for
the model is decided here, and changes nothing: the loss of each micro-batch is a sum, divided by
what the whole step has of supervised tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ft_runtime.tokens.prepared import IGNORED

Feature = Mapping[str, Any]

CPU_TOKENS = 2048
"""Tokens in one forward pass on a CPU: more take memory and no less time."""
GPU_TOKENS = 16_384
"""Most tokens in one forward pass on a GPU, where the config's batches are larger."""


@dataclass
class RawRows:
    """Rows as the data loader hands them over: not yet tensors, and in one piece for accelerate."""

    features: list[Feature]


def raw_rows(features: list[Feature]) -> RawRows:
    """Collate nothing: a step must be whole before it can be cut."""
    return RawRows(features)


@dataclass
class Step:
    """What one optimizer step trains on; empty for all but the last of its accumulation slots.

    Attributes
    ----------
    parts : list of list of mapping
        The micro-batches, each a list of rows.
    """

    parts: list[list[Feature]] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return sum(length_of(row) for part in self.parts for row in part)


def length_of(row: Feature) -> int:
    """Return the tokens of a row."""
    return len(row["input_ids"])


def supervised_of(row: Feature) -> int:
    """Return what the loss of a row is taken on: tokens that are predicted, or its one class."""
    labels = row["labels"]
    if not hasattr(labels, "__len__"):
        return 1
    following = list(labels[1:])
    return len(following) - following.count(IGNORED)


def automatic_budget(device: str, rows: int, longest: int) -> int:
    """Return the tokens of a micro-batch when the config leaves them to us.

    Parameters
    ----------
    device : str
        ``cpu``, ``cuda``, ``mps``.
    rows : int
        Rows of one forward pass, as the config has them.
    longest : int
        ``max_seq_len``.
    """
    if device == "cpu":
        return CPU_TOKENS
    return max(CPU_TOKENS, min(rows * longest, GPU_TOKENS))


def cut(rows: Sequence[Feature], budget: int, padded: bool = False) -> list[list[Feature]]:
    """Sort the rows of a step by length and cut them where the budget is spent.

    A row longer than the budget gets a micro-batch of its own. Rows of one length keep their order,
    so that the same rows always give the same micro-batches.

    Parameters
    ----------
    rows : sequence of mapping
    budget : int
        Tokens of a micro-batch.
    padded : bool
        Count each row as long as the longest of its micro-batch.
    """
    ordered = sorted(rows, key=length_of)
    total = sum(map(length_of, ordered))
    # Even shares: a last micro-batch of a few tokens costs nearly as much time as a full one.
    share = total if padded else -(-total // max(1, -(-total // budget)))
    parts: list[list[Feature]] = []
    spent = 0
    for row in ordered:
        size = length_of(row)
        cost = (len(parts[-1]) + 1) * size if padded and parts else spent + size
        if not parts or cost > budget or (not padded and spent >= share):
            parts.append([])
            spent = 0
        parts[-1].append(row)
        spent += size
    return parts
