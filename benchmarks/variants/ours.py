"""ft_runtime through its public verbs, as the cells of a notebook call them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.measure import Probe


def run(spec: dict[str, Any], probe: Probe) -> dict[str, Any]:
    import ft_runtime as ft

    ft.seed_everything(spec["seed"])
    config = ft.load_config(document(spec))
    device = ft.detect_device(config)
    folder = ft.start_run(config, device)
    rows = ft.load_rows(config)
    splits = ft.split_rows(rows, config)
    tokenizer = ft.load_tokenizer(config)
    data = ft.prepare_data(config, rows, splits, tokenizer, folder)
    probe.baseline()
    model = ft.load_model(config, device, tokenizer, data.label_names, folder)
    args = ft.training_arguments(config, device, folder)
    trainer = ft.build_trainer(config, model, args, tokenizer, data, folder)
    probe.attach(trainer)
    ft.train(trainer, folder)
    result = probe.report(trainer)
    folder.close()
    return result


def document(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the config: the workload, and the variant's own fields; the rest are defaults."""
    made: dict[str, Any] = {
        "provider": "hf_local",
        "model_id": str(Path(spec["workload"], "model")),
        "tune_type": spec["tune"],
        "seed": spec["seed"],
        "hyperparams": {
            "learning_rate": spec["learning_rate"],
            "lr_scheduler": "constant",
            "warmup_ratio": 0.0,
            "num_epochs": 1,
            "batch_size_train": spec["batch"],
            "gradient_accumulation": spec["accumulation"],
            "max_seq_len": 1024,
        },
        "dataset": {
            "source": "upload_local_path",
            "path": str(Path(spec["workload"], "train.jsonl")),
            "format": "jsonl_prompt",
            "split": {"train": 1.0},
        },
        "artifacts": {"output_dir": str(Path(spec["scratch"], "run"))},
    }
    if spec["tune"] != "full":
        made["lora"] = {"r": spec["lora_r"], "alpha": spec["lora_alpha"], "dropout": 0.0}
    for section, fields in spec["options"].items():
        made[section] = {**made.get(section, {}), **fields}
    return made
