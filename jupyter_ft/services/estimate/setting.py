"""What of a config matters for memory and time."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ft_runtime.config import Config
from ft_runtime.training.arguments import AUTO_ROWS, AUTO_TOKENS
from ft_runtime.training.microbatches import automatic_budget

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
        Of one batch of the sampler; every row counts as long as the longest that can come.
    checkpointing : bool
        Whether activations are computed again in the backward pass.
    batch_tokens : int
        Tokens of one forward pass: the rows of an optimizer step are cut into micro-batches.
    keeps_freed : bool
        Whether the C library keeps freed blocks instead of handing them back.
    exact_attention : bool
        Whether attention is computed in float32, whatever the other products are computed in.
    """

    tune_type: str
    mixed: bool
    gpu: bool
    rows: int
    tokens: int
    checkpointing: bool
    batch_tokens: int
    keeps_freed: bool = False
    exact_attention: bool = False


def setting(
    config: Config,
    device: str,
    longest: int | None,
    row_bytes: int | None = None,
    units: frozenset[str] = frozenset(),
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
    units : frozenset of str
        What a CPU multiplies bf16 with, see `jupyter_ft.services.estimate.device.Machine`; empty
        when that is not known.
    """
    hyper = config.hyperparams
    asked = config.hw.mixed_precision
    # As `ft_runtime.devices` decides; there is no fp16 on a CPU.
    mixed = asked == "bf16" or (asked == "fp16" and device != "cpu")
    mixed = mixed or (asked == "auto" and (device == "cuda" or bool(units)))
    length = min(int(hyper.max_seq_len), longest or 1 << 30)
    if row_bytes is not None:
        length = min(length, row_bytes // _BYTES_PER_TOKEN + _TEMPLATE_TOKENS)
    rows = batch_rows(config)
    return Setting(
        config.tune_type, mixed, device != "cpu", rows, length,
        checkpointing=hyper.gradient_checkpointing in (True, "on"),
        batch_tokens=_batch_tokens(config, device, rows, length),
        keeps_freed=device == "cpu" and not os.environ.get(_THRESHOLD),
        exact_attention=mixed and device == "cpu" and "amx_tile" not in units
        and config.task == "causal_lm" and hyper.packing is not False,
    )  # fmt: skip


def batch_rows(config: Config) -> int:
    """Return the rows of a batch as `ft_runtime.training` takes them, ``auto`` worked out."""
    hyper = config.hyperparams
    if hyper.batch_size_train != "auto":
        return int(hyper.batch_size_train)
    return max(1, min(AUTO_ROWS, AUTO_TOKENS // int(hyper.max_seq_len)))


def _batch_tokens(config: Config, device: str, rows: int, length: int) -> int:
    """Return the most tokens of a micro-batch: a longer row gets one of its own."""
    hyper = config.hyperparams
    budget = hyper.tokens_per_batch
    if budget == "auto":
        budget = automatic_budget(device, rows, int(hyper.max_seq_len))
    step = rows * int(hyper.gradient_accumulation) * length
    return min(step, max(int(budget), length))
