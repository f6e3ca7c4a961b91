"""axolotl, from the YAML file that its command line would read; rows tokenized already."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchmarks.measure import Probe
from benchmarks.variants.common import model_folder, on_cuda


def run(spec: dict[str, Any], probe: Probe) -> dict[str, Any]:
    os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")
    os.chdir(spec["scratch"])
    import yaml

    probe.attach_to_any()
    if not on_cuda():
        _train_on_cpu()
    from axolotl.cli.args import TrainerCliArgs
    from axolotl.cli.config import load_cfg
    from axolotl.cli.train import do_train

    file = Path(spec["scratch"], "axolotl.yaml")
    file.write_text(yaml.safe_dump(document(spec)), encoding="utf-8")
    do_train(load_cfg(str(file)), TrainerCliArgs())
    return probe.report(probe.trainer)


def document(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the config: the workload, and the variant's own fields."""
    made: dict[str, Any] = {
        "base_model": model_folder(spec),
        "tokenizer_config": model_folder(spec),
        "datasets": [
            {
                "path": str(Path(spec["workload"], "train_encoded.jsonl")),
                "ds_type": "json",
                "type": "",
            }
        ],
        "dataset_prepared_path": str(Path(spec["scratch"], "prepared")),
        "output_dir": str(Path(spec["scratch"], "out")),
        "sequence_len": 1024,
        "num_epochs": 1,
        "micro_batch_size": spec["batch"],
        "gradient_accumulation_steps": spec["accumulation"],
        "learning_rate": spec["learning_rate"],
        "lr_scheduler": "constant",
        "optimizer": "adamw_torch_fused",
        "warmup_steps": 0,
        "logging_steps": 1,
        "save_strategy": "no",
        "seed": spec["seed"],
    }
    if not on_cuda():
        made["device_map"] = "cpu"
        # Its kernels for adapters ask for CUDA; without these lines it stops at the first step.
        made |= {f"lora_{part}_kernel": False for part in ("mlp", "qkv", "o")}
    if spec["tune"] != "full":
        made |= {"adapter": spec["tune"], "lora_r": spec["lora_r"]}
        made |= {"lora_alpha": spec["lora_alpha"], "lora_dropout": 0.0, "lora_target_linear": True}
    if spec["tune"] == "qlora":
        made["load_in_4bit"] = True
    return made | spec["options"]


def _train_on_cpu() -> None:
    """Say `use_cpu`, which axolotl's config cannot pass on and without which bf16 is refused."""
    from transformers import TrainingArguments

    given = TrainingArguments.__post_init__

    def on_cpu(arguments: Any) -> None:
        arguments.use_cpu = True
        given(arguments)

    TrainingArguments.__post_init__ = on_cpu
