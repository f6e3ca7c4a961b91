"""Paths of a config as they are seen from another folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ft_runtime.config import Config
from ft_runtime.findings import Finding, finding


def seen_from(config: Config, folder: Path) -> tuple[Config, list[Finding]]:
    """Return the config with its input paths as a notebook in `folder` must write them.

    A relative path in a config means the folder in which the command runs; a notebook runs in its
    own. Only paths that exist here, and would not be found there, are changed.

    Parameters
    ----------
    config : Config
    folder : Path
        The folder of the notebook.

    Returns
    -------
    config : Config
    findings : list of Finding
        One ``build.path_rewritten`` for each path that changed.
    """
    document = config.to_dict()
    findings: list[Finding] = []

    def move(holder: dict[str, Any], key: str, where: str) -> None:
        old = holder[key]
        if Path(old).is_absolute() or not _exists(Path(old)) or _exists(folder / old):
            return
        holder[key] = Path(os.path.relpath(old, folder)).as_posix()
        findings.append(finding("build.path_rewritten", where, old=old, new=holder[key]))

    if config.provider == "hf_local":
        move(document, "model_id", "model_id")
    path = document["dataset"].get("path")
    if isinstance(path, str):
        move(document["dataset"], "path", "dataset.path")
    elif path:
        for name in path:
            move(path, name, f"dataset.path.{name}")
    return Config(document), findings


def _exists(path: Path) -> bool:
    """Tell whether a path leads anywhere; what the system takes for no path does not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
