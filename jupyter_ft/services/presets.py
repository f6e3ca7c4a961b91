"""Starting points: settings for tasks, settings for machines, and models to begin with."""

from __future__ import annotations

import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from ft_runtime.config import read_document
from jupyter_ft.services.examples import configs_folder

# The reader in C is ten times faster, where PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FILE = Path(__file__).with_name("presets.yaml")


def presets() -> dict[str, Any]:
    """Return the presets.

    Returns
    -------
    dict
        ``tasks``: ``id``, ``title``, ``description``, ``level`` and a partial ``config``, which
        is laid over what the user has; ``models``: ids of the hub with what is known of them,
        parameters counted once (tied weights), context in tokens.
    """
    return copy.deepcopy(_presets())


@lru_cache(maxsize=1)
def _presets() -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(_FILE.read_text(encoding="utf-8"), _LOADER)
    for task in document["tasks"]:
        if name := task.pop("example", None):
            task["config"] = _task(name)
    return document


def _task(name: str) -> dict[str, Any]:
    """Return the settings of an example config, without its data and its run folder."""
    document = read_document(configs_folder() / f"{name}.yaml")
    document["dataset"].pop("path")
    document["artifacts"].pop("output_dir")
    return {key: value for key, value in document.items() if value != {}}
