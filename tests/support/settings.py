"""Configs for tests: complete, small, and changed field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ft_runtime.config import Config, load_config


def make_config(model: Path | str, **fields: Any) -> Config:
    """Return a config for a local model; `fields` replace top-level fields, dicts are merged.

    ``format`` names the data format and picks a matching file name.
    """
    chosen = fields.pop("format", "jsonl_chat")
    path = "rows.csv" if chosen == "csv_classification" else "rows.jsonl"
    document: dict[str, Any] = {
        "provider": "hf_local",
        "model_id": str(model),
        "tune_type": "lora",
        "dataset": {"source": "upload_local_path", "path": path, "format": chosen},
    }
    for name, value in fields.items():
        if isinstance(value, dict) and isinstance(document.get(name), dict):
            document[name] = {**document[name], **value}
        else:
            document[name] = value
    return load_config(document)
