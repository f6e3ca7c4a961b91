"""``manifest.json``: what a run used, and how it ended."""

from __future__ import annotations

import json
import os
import platform
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime import processes
from ft_runtime.files import sha256_bytes, write_text_atomic
from ft_runtime.runs.resume import training_fields

if TYPE_CHECKING:
    from ft_runtime.config import Config
    from ft_runtime.devices import Device

FILE = "manifest.json"
FORMAT = "ft-run"
VERSION = 1
_PACKAGES = (
    "ft-runtime",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "datasets",
    "tokenizers",
    "safetensors",
    "bitsandbytes",
    "numpy",
    "scikit-learn",
    "sacrebleu",
    "rouge-score",
)


def new(config: Config, device: Device | None) -> dict[str, Any]:
    """Return the manifest of a run that starts now."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "status": "running",
        "created": now(),
        "updated": now(),
        "versions": versions(),
        "hardware": hardware(device),
        "seeds": {"seed": config.seed},
        "config_sha256": sha256_bytes(config.to_yaml().encode("utf-8")),
        "training_config": training_fields(config.to_dict()),
        "pinned": {},
        "resumed": [],
    }


def read(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a run folder; None when the folder is not a run of ours."""
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(document, dict) and document.get("format") == FORMAT
    return document if ours else None


def write(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest whole; `updated` is set to now."""
    manifest["updated"] = now()
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    write_text_atomic(folder / FILE, text)


def now() -> str:
    """Return the present moment in UTC, ISO 8601, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def versions() -> dict[str, str]:
    """Return the versions of Python and of what shapes a training; nothing is imported."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware(device: Device | None) -> dict[str, Any]:
    """Return what the run computes on."""
    found: dict[str, Any] = {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "processes": processes.count(),
    }
    if device is not None:
        found["device"] = {
            "type": device.type,
            "name": device.name,
            "precision": device.precision,
        }
    return found
