"""The micro-batch that takes the most memory."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

_BLOCK = 10_000


def row_lengths(dataset: Any) -> list[int]:
    """Return the tokens of every row, without reading the tokens.

    Parameters
    ----------
    dataset : datasets.Dataset
        With a column ``input_ids``.
    """
    import pyarrow.compute as pc

    found: list[int] = []
    for table in dataset.select_columns(["input_ids"]).with_format("arrow").iter(_BLOCK):
        found += pc.list_value_length(table["input_ids"]).to_pylist()
    return found


def longest_part(trainer: Any, lengths: Sequence[int]) -> list[Mapping[str, Any]]:
    """Return the largest micro-batch that a step can have: that of the longest rows.

    Parameters
    ----------
    trainer : Trainer
        From `build_trainer`.
    lengths : sequence of int
        Of all training rows.
    """
    from ft_runtime.training.microbatches import cut

    args = trainer.args
    count = args.per_device_train_batch_size * args.gradient_accumulation_steps
    order = heapq.nlargest(count, range(len(lengths)), key=lengths.__getitem__)
    rows = [trainer.train_dataset[place] for place in order]
    padded = not trainer.way.packed
    parts = cut(rows, trainer.budget, padded)
    return max(parts, key=lambda part: size_of(part, padded))


def size_of(part: Sequence[Mapping[str, Any]], padded: bool) -> int:
    """Return the tokens of a micro-batch, those of its padding with them."""
    sizes = [len(row["input_ids"]) for row in part]
    return len(sizes) * max(sizes) if padded else sum(sizes)
