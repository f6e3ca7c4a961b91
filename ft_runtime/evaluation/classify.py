"""Predicted labels with their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ft_runtime.evaluation.batches import by_length, pad
from ft_runtime.evaluation.state import inner
from ft_runtime.progress import track

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def label_probabilities(
    model: Any,
    rows: Sequence[Sequence[int]],
    pad_id: int,
    batch_size: int,
    label: str = "labels",
) -> NDArray[np.float64]:
    """Return the softmax over labels for each row.

    Parameters
    ----------
    model : transformers model or PeftModel
        A sequence classifier in evaluation mode.
    rows : sequence of token rows, length n
        Input ids.
    pad_id : int
        Fills shorter rows on the right, under the attention mask.
    batch_size : int
        Rows a forward pass.
    label : str
        Shown while it goes on.

    Returns
    -------
    ndarray, shape (n, labels)
        Probabilities.
    """
    import numpy as np
    import torch

    found: list[Any] = [None] * len(rows)
    batches = by_length([len(row) for row in rows], batch_size)
    for batch in track(batches, len(batches), label):
        ids, mask = pad([rows[index] for index in batch], pad_id, "right", inner(model).device)
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=mask).logits
        chances = torch.softmax(logits.float().cpu().double(), dim=-1).numpy()
        for index, row in zip(batch, chances, strict=True):
            found[index] = row
    return np.stack(found) if found else np.zeros((0, inner(model).config.num_labels))
