"""From rows of token ids to the tensors of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.tokens.prepared import IGNORED

if TYPE_CHECKING:
    from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase

    from ft_runtime.config import Config

Features = Sequence[Mapping[str, Any]]


@dataclass
class CausalCollator:
    """Pads on the right, and hides padding by its place.

    The labels of padding are ignored because of where they stand and never because of which token
    they are: a pad token that is also the end token cannot hide an end from the loss.

    Parameters
    ----------
    pad_token_id : int
        What to fill with; nothing looks at it.
    multiple_of : int
        Batch lengths are rounded up to a multiple (8 suits tensor cores).
    """

    pad_token_id: int
    multiple_of: int = 1

    def __call__(self, features: Features) -> dict[str, Any]:
        """Return ``input_ids``, ``attention_mask``, ``labels``: int64, shape (rows, length)."""
        import torch

        longest = max(len(feature["input_ids"]) for feature in features)
        length = -(-longest // self.multiple_of) * self.multiple_of
        shape = (len(features), length)
        ids = torch.full(shape, self.pad_token_id, dtype=torch.int64)
        mask = torch.zeros(shape, dtype=torch.int64)
        labels = torch.full(shape, IGNORED, dtype=torch.int64)
        for place, feature in enumerate(features):
            count = len(feature["input_ids"])
            ids[place, :count] = torch.as_tensor(feature["input_ids"])
            labels[place, :count] = torch.as_tensor(feature["labels"])
            mask[place, :count] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


@dataclass
class PackedCollator:
    """Lays the rows of a batch end to end, without padding and without attention between them.

    Positions restart with each row and there is no attention mask: that is how transformers
    recognises rows in one sequence and builds the block mask itself. It does so only without a
    cache, so the batch says ``use_cache=False``. `check_packing` tells whether a model really keeps
    rows apart.

    Parameters
    ----------
    attention : str, optional
        FlashAttention is told where rows begin and end; other attentions find out by themselves.
    """

    attention: str | None = None

    def __call__(self, features: Features) -> dict[str, Any]:
        """Return ``input_ids``, ``position_ids`` and ``labels``, int64 of shape (1, all tokens)."""
        import torch

        ids: list[int] = []
        positions: list[int] = []
        labels: list[int] = []
        for feature in features:
            row = list(feature["input_ids"])
            ids += row
            positions += range(len(row))
            # The first token of a row would be predicted from the last one of the row before.
            labels += [IGNORED, *list(feature["labels"])[1:]]
        batch: dict[str, Any] = {
            name: torch.tensor([values], dtype=torch.int64)
            for name, values in (
                ("input_ids", ids),
                ("position_ids", positions),
                ("labels", labels),
            )
        }
        if str(self.attention).startswith("flash_attention"):
            batch |= _bounds([len(feature["input_ids"]) for feature in features])
        return {**batch, "use_cache": False}


def _bounds(lengths: Sequence[int]) -> dict[str, Any]:
    """Return where packed rows begin and end, under transformers' names for FlashAttention."""
    import torch

    ends = torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)
    longest = max(lengths)
    return {
        "cu_seq_lens_q": ends,
        "cu_seq_lens_k": ends,
        "max_length_q": longest,
        "max_length_k": longest,
    }


@dataclass
class LabelCollator:
    """Pads rows of a classification with transformers' own collator; leaves the row number out."""

    padding: DataCollatorWithPadding

    def __call__(self, features: Features) -> dict[str, Any]:
        """Return ``input_ids``, ``attention_mask`` of shape (rows, length), ``labels`` (rows,)."""
        kept = [{name: feature[name] for name in ("input_ids", "labels")} for feature in features]
        return dict(self.padding(kept))


def collator_for(
    config: Config, tokenizer: PreTrainedTokenizerBase
) -> CausalCollator | PackedCollator | LabelCollator:
    """Return the collator for a task: class labels, packed rows, or padded rows."""
    if config.task == "classification":
        from transformers import DataCollatorWithPadding

        return LabelCollator(DataCollatorWithPadding(tokenizer))
    if config.hyperparams.packing is True:
        return PackedCollator()
    pad = tokenizer.pad_token_id
    return CausalCollator(pad_token_id=0 if pad is None else pad)
