"""The rungs: what can be given up so that a step fits, the cheapest first."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ft_runtime.artifacts.folder import megabytes
from ft_runtime.findings import Finding, finding, text
from ft_runtime.fit.apply import checkpointing
from ft_runtime.fit.estimate import Estimate
from ft_runtime.fit.longest import longest_part, size_of

if TYPE_CHECKING:
    from ft_runtime.config import Config

_SHORTEST = 8
"""The least ``max_seq_len`` that the config takes."""
_MULTIPLE = 8


@dataclass(frozen=True)
class Rung:
    """One way to make a step smaller.

    Attributes
    ----------
    kind : {"tokens", "checkpointing", "qlora", "length"}
    neutral : bool
        True when the result of the training stays the same: these may be taken for the user.
    told : Finding
        What it costs, and what to type for it.
    value : int
        Tokens, where it is about tokens.
    """

    kind: Literal["tokens", "checkpointing", "qlora", "length"]
    neutral: bool
    told: Finding
    value: int = 0


def rungs(
    trainer: Any, config: Config, lengths: Sequence[int], need: Estimate | None
) -> list[Rung]:
    """Return what is left to give up, in the order in which to do it.

    Parameters
    ----------
    trainer : Trainer
        From `build_trainer`.
    config : Config
    lengths : sequence of int
        Tokens of each training row.
    need : Estimate, optional
        What a step takes, where it could be measured.
    """
    padded = not trainer.way.packed
    part = longest_part(trainer, lengths)
    found = []
    if len(part) > 1:
        tokens = max(max(len(row["input_ids"]) for row in part), size_of(part, padded) // 2)
        about = _about(need, tokens)
        told = finding("fit.tokens", "hyperparams.tokens_per_batch", tokens=tokens, about=about)
        found.append(Rung("tokens", True, told, tokens))
    refused = config.hyperparams.gradient_checkpointing in (False, "off")
    if not refused and _can_checkpoint(trainer):
        told = finding("fit.checkpointing", "hyperparams.gradient_checkpointing")
        found.append(Rung("checkpointing", True, told))
    quantisable = config.tune_type != "qlora" and not trainer.divided
    if quantisable and importlib.util.find_spec("bitsandbytes") is not None:
        found.append(Rung("qlora", False, finding("fit.qlora", "tune_type", got=config.tune_type)))
    length = max(_SHORTEST, max(lengths) // 2 // _MULTIPLE * _MULTIPLE)
    if length < max(lengths):
        found.append(Rung("length", False, _shorter(lengths, length, need), length))
    return found


def _can_checkpoint(trainer: Any) -> bool:
    able = bool(getattr(trainer.model, "supports_gradient_checkpointing", False))
    return able and not checkpointing(trainer)


def _about(need: Estimate | None, tokens: int) -> str:
    return text("fit.about", bytes=megabytes(need.of(tokens))) if need is not None else ""


def _shorter(lengths: Sequence[int], length: int, need: Estimate | None) -> Finding:
    """Tell what shorter rows would lose, row for row."""
    cut = [size - length for size in lengths if size > length]
    return finding(
        "fit.length",
        "hyperparams.max_seq_len",
        length=length,
        rows=len(cut),
        all=len(lengths),
        tokens=f"{sum(cut):,}",
        share=f"{100 * sum(cut) / max(1, sum(lengths)):.1f}",
        about=_about(need, length),
    )
