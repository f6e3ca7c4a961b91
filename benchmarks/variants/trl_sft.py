"""TRL's SFTTrainer on prompt-completion rows."""

from __future__ import annotations

from typing import Any

from benchmarks.measure import Probe
from benchmarks.variants.common import (
    frozen_dtype,
    lora,
    model_folder,
    quantization,
    read_rows,
    training_options,
)


def run(spec: dict[str, Any], probe: Probe) -> dict[str, Any]:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    probe.attach_to_any()
    options = {**training_options(spec), **spec["options"]}
    if options.pop("frozen_bf16", False):
        options["model_init_kwargs"] = {"dtype": frozen_dtype(spec)}
    trainer = SFTTrainer(
        model=model_folder(spec),
        args=SFTConfig(**options),
        train_dataset=Dataset.from_list(read_rows(spec, "train")),
        peft_config=lora(spec),
        quantization_config=quantization(spec),
    )
    trainer.train()
    return probe.report(trainer)
