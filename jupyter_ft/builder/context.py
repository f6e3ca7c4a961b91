"""What the templates know: the config, the conditions for each cell, and the rows of the table."""

from __future__ import annotations

from typing import Any

from ft_runtime.config import Config
from ft_runtime.config import schema as config_schema

_DEVICES_WITH_GPU = {"auto", "cuda"}


def conditions(config: Config, runtime: str) -> dict[str, bool]:
    """Return the names that a template's ``when`` and ``if`` may use."""
    dataset = config.dataset
    return {
        "full": config.tune_type == "full",
        "adapter": config.tune_type != "full",
        "qlora": config.tune_type == "qlora",
        "classification": config.task == "classification",
        "files_by_split": isinstance(dataset.path, dict),
        "hub_data": dataset.source == "hf_dataset_id",
        "tensorboard": config.logs == "tensorboard",
        "merge": config.artifacts.merge,
        "push": config.artifacts.push_to_hub,
        "gpu": config.hw.device in _DEVICES_WITH_GPU,
        "embedded": runtime == "embedded",
        "beside": runtime != "index",
    }


def data_name(config: Config) -> str:
    """Return what the user calls the data: hub id, file, or files."""
    path = config.dataset.path
    if isinstance(path, dict):
        return ", ".join(path.values())
    return config.dataset.id or path


def parameters(config: Config) -> list[dict[str, Any]]:
    """Return the rows of the parameter table, from the schema.

    Everyday fields are always there; advanced ones when they differ from their default.
    """
    values = config.to_dict()
    rows = []
    for path, field in config_schema.walk():
        if config_schema.is_section(field):
            continue
        value = _lookup(values, path)
        everyday = not field.get("x-advanced") or value != field.get("default")
        if value is None or value == {} or not everyday or path == "schema_version":
            continue
        rows.append(
            {
                "path": path,
                "title": field["title"],
                "value": value,
                "unit": field.get("x-unit", ""),
                "meaning": field["description"],
            }
        )
    return rows


def _lookup(values: dict[str, Any], path: str) -> Any:
    for name in path.split("."):
        if not isinstance(values, dict) or name not in values:
            return None
        values = values[name]
    return values
