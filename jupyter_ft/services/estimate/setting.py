"""What of a config matters for memory and time."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ft_runtime.config import Config

AUTO_BATCH = 8
"""The batch that ``batch_size_train: auto`` starts with."""
_BYTES_PER_TOKEN = 2
_TEMPLATE_TOKENS = 64
_THRESHOLD = "MALLOC_MMAP_THRESHOLD_"


@dataclass(frozen=True)
class Setting:
    """What of a config matters for memory.

    Attributes
    ----------
    tune_type : {"full", "lora", "qlora"}
    mixed : bool
        Matrix products in 16 bits.
    gpu : bool
    rows, tokens : int
        Of one batch; every row counts as long as the longest that can come.
    checkpointing : bool
        Whether activations are computed again in the backward pass.
    logit_tokens : int
        Tokens whose logits are there at one time: those of the whole batch.
    keeps_freed : bool
        Whether the C library keeps freed blocks instead of handing them back.
    """

    tune_type: str
    mixed: bool
    gpu: bool
    rows: int
    tokens: int
    checkpointing: bool
    logit_tokens: int
    keeps_freed: bool = False


def setting(
    config: Config, device: str, longest: int | None, row_bytes: int | None = None
) -> Setting:
    """Read the setting from a config.

    Parameters
    ----------
    config : Config
    device : {"cpu", "cuda", "mps"}
    longest : int or None
        The model's own limit in tokens.
    row_bytes : int, optional
        UTF-8 bytes of the longest row of the data. No tokenizer in use needs more than a token for
        two of them in running text; what the chat template adds is reckoned with 64 tokens.
    """
    hyper = config.hyperparams
    asked = config.hw.mixed_precision
    mixed = asked in ("bf16", "fp16") or (asked == "auto" and device == "cuda")
    batch = hyper.batch_size_train
    rows = AUTO_BATCH if batch == "auto" else int(batch)
    length = min(int(hyper.max_seq_len), longest or 1 << 30)
    if row_bytes is not None and hyper.packing is not True:
        length = min(length, row_bytes // _BYTES_PER_TOKEN + _TEMPLATE_TOKENS)
    return Setting(
        config.tune_type, mixed, device != "cpu", rows, length,
        checkpointing=hyper.gradient_checkpointing in (True, "on"), logit_tokens=rows * length,
        keeps_freed=device == "cpu" and not os.environ.get(_THRESHOLD),
    )  # fmt: skip
