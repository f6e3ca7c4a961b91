"""What the names of a model's files tell."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ft_runtime.findings import Finding, finding

CONFIG = "config.json"
ADAPTER = "adapter_config.json"
WEIGHTS = re.compile(
    r"^(model|pytorch_model)([.-].*)?\.(safetensors|bin)$|^(model|pytorch_model)\.[\w.]*index\.json$"
)
SHOWN = 8
"""How many file names a message lists."""


def weight_files(names: Iterable[str]) -> list[str]:
    """Return the names that hold weights, sorted: safetensors when there are any, else .bin."""
    found = sorted(name for name in names if WEIGHTS.match(name) and not name.endswith(".json"))
    return [name for name in found if name.endswith(".safetensors")] or found


def check_names(names: Iterable[str], where: str, base: str = "") -> list[Finding]:
    """Check that a folder or repository with these files is a base model.

    Parameters
    ----------
    names : iterable of str
        Files at the top level.
    where : str
        The folder or the id, for the messages.
    base : str
        The base model that an adapter names, when known.
    """
    there = sorted(set(names))
    if CONFIG not in there and ADAPTER in there:
        return [finding("models.adapter_given", where="model_id", got=where, base=base or "?")]
    if CONFIG not in there:
        return [finding("models.no_config", where="model_id", got=where, files=listed(there))]
    if not any(WEIGHTS.match(name) for name in there):
        return [finding("models.no_weights", where="model_id", got=where, files=listed(there))]
    return []


def listed(names: list[str]) -> str:
    """Return a few names for a message."""
    if not names:
        return "no files"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
