"""Every variant that is measured: which library, in which environment, with which options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

BEST_TRL = {"frozen_bf16": True, "gradient_checkpointing": False}


@dataclass(frozen=True)
class Variant:
    """One line of the table.

    `peer` is the environment (a file of ``benchmarks/peers``), empty for the one that runs the
    script. `same_steps` is False where the library cuts the rows into other batches, so that its
    loss after a step is not that of the others. `cpu_only` and `cuda_only` are options for one kind
    of machine.
    """

    name: str
    title: str
    module: str
    peer: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    cpu_only: dict[str, Any] = field(default_factory=dict)
    same_steps: bool = True
    tunes: tuple[str, ...] = ("lora", "full", "qlora")

    def for_device(self, cuda: bool) -> dict[str, Any]:
        return {**self.options, **({} if cuda else self.cpu_only)}


_LORA = ("lora",)
_GROUPED = {"train_sampling_strategy": "group_by_length"}
_FREE = {"padding_free": True, "max_length": None}

VARIANTS = (
    Variant("ours", "ft_runtime, defaults", "ours"),
    Variant("trl", "TRL SFTTrainer, defaults", "trl_sft", "trl"),
    Variant(
        "trl-padding-free-checkpointing",
        "TRL, padding-free, bf16 base",
        "trl_sft",
        "trl",
        {**_FREE, "frozen_bf16": True},
    ),
    Variant(
        "trl-padding-free",
        "TRL, padding-free, bf16 base, no checkpointing",
        "trl_sft",
        "trl",
        {**_FREE, **BEST_TRL},
    ),
    Variant(
        "trl-packing",
        "TRL, packing (bfd), bf16 base, no checkpointing, 1 pack a step",
        "trl_sft",
        "trl",
        {"packing": True, "per_device_train_batch_size": 1, **BEST_TRL},
        same_steps=False,
    ),
    Variant(
        "trl-grouped",
        "TRL, length-grouped, bf16 base, no checkpointing",
        "trl_sft",
        "trl",
        {**_GROUPED, **BEST_TRL},
        same_steps=False,
    ),
    Variant("trainer", "Trainer, dynamic padding, fp32", "trainer"),
    Variant("trainer-bf16", "Trainer, dynamic padding, bf16", "trainer", "", {"bf16": True}),
    Variant(
        "trainer-grouped",
        "Trainer, length-grouped, bf16",
        "trainer",
        "",
        {"bf16": True, **_GROUPED},
        same_steps=False,
    ),
    Variant("unsloth", "Unsloth, defaults", "unsloth_sft", "unsloth"),
    Variant(
        "unsloth-best",
        "Unsloth, no checkpointing",
        "unsloth_sft",
        "unsloth",
        {"unsloth_checkpointing": False},
    ),
    Variant("llamafactory", "LLaMA-Factory, defaults", "llamafactory_sft", "llamafactory"),
    Variant(
        "llamafactory-best",
        "LLaMA-Factory, bf16, no checkpointing",
        "llamafactory_sft",
        "llamafactory",
        {"bf16": True, "disable_gradient_checkpointing": True},
    ),
    Variant(
        "axolotl",
        "axolotl, defaults (on a CPU with bf16 instead of its fp16)",
        "axolotl_sft",
        "axolotl",
        {"bf16": "auto"},
        {"bf16": True},
    ),
    Variant(
        "axolotl-best",
        "axolotl, bf16, sample packing",
        "axolotl_sft",
        "axolotl",
        {
            "bf16": True,
            "sample_packing": True,
            "micro_batch_size": 1,
            "attn_implementation": "sdpa",
        },
        same_steps=False,
    ),
)

FASTEST_TRL = (
    "trl",
    "trl-padding-free-checkpointing",
    "trl-padding-free",
    "trl-packing",
    "trl-grouped",
)
UNSLOTH = tuple(variant.name for variant in VARIANTS if variant.peer == "unsloth")


def chosen(names: list[str] | None, tune: str) -> list[Variant]:
    """Return the variants of these names, in the order of the table; all by default."""
    known = {variant.name for variant in VARIANTS}
    if unknown := set(names or ()) - known:
        raise SystemExit(f"no such variant: {sorted(unknown)}; there are {sorted(known)}")
    return [v for v in VARIANTS if (not names or v.name in names) and tune in v.tunes]
