"""LLaMA-Factory's own training function, with what its YAML file would say."""

from __future__ import annotations

import importlib.machinery
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

from benchmarks.measure import Probe
from benchmarks.variants.common import model_folder, read_rows, training_options


def run(spec: dict[str, Any], probe: Probe) -> dict[str, Any]:
    # The template that renders nothing around the texts: the rows are those of the others.
    os.environ.setdefault("DISABLE_VERSION_CHECK", "1")
    os.environ.setdefault("USE_MODELSCOPE_HUB", "0")
    folder = Path(spec["scratch"])
    rows = [
        {"instruction": row["prompt"], "input": "", "output": row["completion"] + "</s>"}
        for row in read_rows(spec, "train")
    ]
    (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "dataset_info.json").write_text(json.dumps({"rows": {"file_name": "rows.json"}}))
    probe.attach_to_any()
    _without_audio()
    from llamafactory.train.tuner import run_exp

    options: dict[str, Any] = {
        "stage": "sft",
        "do_train": True,
        "model_name_or_path": model_folder(spec),
        "finetuning_type": "full" if spec["tune"] == "full" else "lora",
        "dataset": "rows",
        "dataset_dir": str(folder),
        "template": "empty",
        "cutoff_len": 1024,
        **training_options(spec),
        **spec["options"],
    }
    if spec["tune"] != "full":
        options |= {"lora_rank": spec["lora_r"], "lora_alpha": spec["lora_alpha"]}
        options |= {"lora_target": "all", "lora_dropout": 0.0}
    if spec["tune"] == "qlora":
        options |= {"quantization_bit": 4, "quantization_method": "bnb"}
    run_exp(options)
    return probe.report(probe.trainer)


def _without_audio() -> None:
    """Stand in for torchaudio, which is imported and not used: its wheels are for CUDA alone."""
    module = types.ModuleType("torchaudio")
    module.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
    sys.modules.setdefault("torchaudio", module)
