"""What every variant is given alike: rows, adapter, optimizer, schedule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NF4 = {
    "load_in_4bit": True,
    "bnb_4bit_quant_type": "nf4",
    "bnb_4bit_use_double_quant": True,
}


def read_rows(spec: dict[str, Any], name: str) -> list[dict[str, Any]]:
    lines = Path(spec["workload"], f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def model_folder(spec: dict[str, Any]) -> str:
    return str(Path(spec["workload"], "model"))


def on_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def training_options(spec: dict[str, Any]) -> dict[str, Any]:
    """Options of `transformers.TrainingArguments` that are the workload and not the variant."""
    return {
        "output_dir": str(Path(spec["scratch"], "out")),
        "learning_rate": spec["learning_rate"],
        "lr_scheduler_type": "constant",
        "num_train_epochs": 1,
        "per_device_train_batch_size": spec["batch"],
        "gradient_accumulation_steps": spec["accumulation"],
        "seed": spec["seed"],
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": not on_cuda(),
    }


def lora(spec: dict[str, Any]) -> Any:
    """Return the adapter, or None for full fine-tuning."""
    if spec["tune"] == "full":
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=spec["lora_r"],
        lora_alpha=spec["lora_alpha"],
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def quantization(spec: dict[str, Any]) -> Any:
    """Return 4-bit NF4 with bf16 products for QLoRA, else None."""
    if spec["tune"] != "qlora":
        return None
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(**NF4, bnb_4bit_compute_dtype=torch.bfloat16)


def frozen_dtype(spec: dict[str, Any]) -> str:
    """Number type of the base at its best: bf16 where it is frozen, else fp32 under autocast."""
    return "float32" if spec["tune"] == "full" else "bfloat16"
