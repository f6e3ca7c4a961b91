"""Unsloth: its FastLanguageModel, trained by TRL's SFTTrainer as Unsloth patches it."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.measure import Probe
from benchmarks.variants.common import model_folder, read_rows, training_options


def run(spec: dict[str, Any], probe: Probe) -> dict[str, Any]:
    # Unsloth writes the trainers that it compiles into the working directory.
    os.chdir(spec["scratch"])
    import unsloth  # noqa: F401 - comes first: it patches what is imported after it
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer
    from unsloth import FastLanguageModel

    probe.attach_to_any()
    options = {**training_options(spec), **spec["options"]}
    checkpointing = options.pop("unsloth_checkpointing", "unsloth")
    model, tokenizer = FastLanguageModel.from_pretrained(
        model_folder(spec),
        max_seq_length=1024,
        load_in_4bit=spec["tune"] == "qlora",
        full_finetuning=spec["tune"] == "full",
    )
    if spec["tune"] != "full":
        modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        model = FastLanguageModel.get_peft_model(
            model,
            r=spec["lora_r"],
            lora_alpha=spec["lora_alpha"],
            lora_dropout=0.0,
            target_modules=modules,
            use_gradient_checkpointing=checkpointing,
            random_state=spec["seed"],
        )
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(read_rows(spec, "train")),
        args=SFTConfig(**options),
    )
    trainer.train()
    return probe.report(trainer)
