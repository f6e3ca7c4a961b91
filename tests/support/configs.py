"""The matrix of configs: three ways of tuning, four formats, and the options that change cells."""

from __future__ import annotations

import copy
from typing import Any

TUNE_TYPES = ("full", "lora", "qlora")
FORMATS = ("jsonl_chat", "jsonl_instr", "jsonl_prompt", "csv_classification")
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no_logs": {"logs": "none", "hw": {"device": "cpu"}},
    "files": {"dataset": {"path": {"train": "a.jsonl", "val": "b.jsonl"}}},
    "hub": {"dataset": {"source": "hf_dataset_id", "id": "owner/data"}},
    "push": {"artifacts": {"push_to_hub": True, "hub_model_id": "owner/tuned"}},
    "merge": {"artifacts": {"merge": True}},
    "all_metrics": {"eval": {"metrics": ["perplexity", "rouge", "bleu", "exact_match"]}},
    "paged": {"hyperparams": {"optimizer": "paged_adamw_8bit", "packing": True}},
}
RUNTIMES = ("embedded", "wheel", "index")


def make_config(
    tune_type: str = "lora", format: str = "jsonl_prompt", **more: Any
) -> dict[str, Any]:
    """A config document; `more` is merged into it, section by section."""
    document: dict[str, Any] = {
        "model_id": "owner/model",
        "tune_type": tune_type,
        "dataset": {"source": "upload_local_path", "path": "rows.jsonl", "format": format},
    }
    for name, value in copy.deepcopy(more).items():
        if isinstance(value, dict):
            document.setdefault(name, {}).update(value)
        else:
            document[name] = value
    if document["dataset"]["source"] == "hf_dataset_id":
        document["dataset"].pop("path", None)
    return document


def matrix() -> dict[str, dict[str, Any]]:
    """Every config that makes sense, by name."""
    found = {}
    for tune_type in TUNE_TYPES:
        for format in FORMATS:
            for option, more in OPTIONS.items():
                classification = format == "csv_classification"
                if option == "merge" and tune_type == "full":
                    continue
                if option in ("all_metrics", "paged") and classification:
                    continue
                found[f"{tune_type}-{format}-{option}"] = make_config(tune_type, format, **more)
    return found
