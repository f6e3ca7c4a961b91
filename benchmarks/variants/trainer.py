"""transformers' own Trainer on rows that are tokenized already, padded batch by batch."""

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
    import torch
    from datasets import Dataset
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    probe.attach_to_any()
    set_seed(spec["seed"])
    options = {**training_options(spec), **spec["options"]}
    dtype = frozen_dtype(spec) if options.get("bf16") else "float32"
    model = AutoModelForCausalLM.from_pretrained(
        model_folder(spec),
        dtype=getattr(torch, dtype),
        quantization_config=quantization(spec),
    )
    if spec["tune"] != "full":
        from peft import get_peft_model, prepare_model_for_kbit_training

        if spec["tune"] == "qlora":
            model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
        model = get_peft_model(model, lora(spec))
    tokenizer = AutoTokenizer.from_pretrained(model_folder(spec))
    trainer = Trainer(
        model=model,
        args=TrainingArguments(**options),
        train_dataset=Dataset.from_list(read_rows(spec, "train_encoded")),
        data_collator=DataCollatorForSeq2Seq(tokenizer, padding=True),
        processing_class=tokenizer,
    )
    trainer.train()
    return probe.report(trainer)
