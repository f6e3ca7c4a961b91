"""Checkpoints that can be trusted: sealed with a manifest written last, and verified before use.

transformers resumes from the highest number, whatever is inside: without the optimizer or the
random state it goes on silently wrong, with a cut file it crashes. So each checkpoint gets
``ft_checkpoint.json`` (name, size and SHA-256 of every file) as its last file; a folder without
it, or that does not match it, is never resumed from. Nothing here needs torch.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ft_runtime.files import sha256_file, write_text_atomic
from ft_runtime.findings import text

SEAL = "ft_checkpoint.json"
FORMAT = 1
_NAME = re.compile(r"checkpoint-(\d+)")
_DELETED = ".deleted-"
_STATE = ("trainer_state.json", "scheduler.pt")
_OPTIMIZER = ("optimizer.pt", "optimizer.bin", "optimizer_0.pt")
"""The second one when the weights are spread over several GPUs (FSDP); the third by DeepSpeed."""
_RANDOM = ("rng_state.pth", "rng_state_0.pth")
"""Of one process; of the first one of several."""
_WEIGHTS = (
    "adapter_model.safetensors",
    "model.safetensors",
    "model.safetensors.index.json",
    "adapter_model.bin",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


@dataclass(frozen=True)
class Checkpoint:
    """One ``checkpoint-N`` folder and what is known about it.

    Attributes
    ----------
    path : Path
    step : int
        Optimizer steps done when it was written.
    problem : str
        Why it cannot be resumed from; empty when it was verified.
    """

    path: Path
    step: int
    problem: str = ""

    @property
    def verified(self) -> bool:
        """True when every file is there with its size and SHA-256."""
        return not self.problem


def folders(root: Path) -> list[tuple[int, Path]]:
    """Return (step, folder) of every ``checkpoint-N`` under `root`, newest first."""
    if not root.is_dir():
        return []
    matches = ((_NAME.fullmatch(path.name), path) for path in root.iterdir() if path.is_dir())
    return sorted(((int(match[1]), path) for match, path in matches if match), reverse=True)


def seal(path: Path, step: int, tally: Mapping[str, Any] | None = None) -> Checkpoint:
    """Write the manifest of a complete checkpoint, atomically and last.

    Parameters
    ----------
    path : Path
    step : int
    tally : Mapping, optional
        What the training took so far; kept for the one that goes on.

    Raises
    ------
    OSError
        When a file cannot be read or the manifest cannot be written; the folder stays unverified.
    ValueError
        When a file that an exact resume needs is missing.
    """
    files = {
        file.relative_to(path).as_posix(): {
            "bytes": file.stat().st_size,
            "sha256": sha256_file(file),
        }
        for file in sorted(path.rglob("*"))
        if file.is_file() and file != path / SEAL
    }
    if missing := _missing(files):
        raise ValueError(missing)
    document = {"format": FORMAT, "step": step, "tally": dict(tally or {}), "files": files}
    write_text_atomic(path / SEAL, json.dumps(document, indent=1) + "\n")
    return Checkpoint(path, step)


def tally_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what the training had taken when a verified checkpoint was sealed."""
    document = json.loads((checkpoint.path / SEAL).read_text(encoding="utf-8"))
    return dict(document.get("tally", {}))


def verify(path: Path, step: int) -> Checkpoint:
    """Compare a folder with its manifest; every file is read."""
    return Checkpoint(path, step, _problem(path, step))


def newest(root: Path) -> tuple[Checkpoint | None, list[Checkpoint]]:
    """Find the newest verified checkpoint, and the newer ones that failed.

    Returns
    -------
    (Checkpoint or None, list of Checkpoint)
        The rejected ones each say why, newest first. Older folders are not read.
    """
    rejected: list[Checkpoint] = []
    for step, path in folders(root):
        candidate = verify(path, step)
        if candidate.verified:
            return candidate, rejected
        rejected.append(candidate)
    return None, rejected


def rotate(root: Path, limit: int | None, keep: Path, best: Path | None = None) -> list[Path]:
    """Delete the oldest sealed checkpoints so that `limit` are left; never `keep` and `best`.

    Call it only after `keep`, the newest one, is sealed: then a kill at any moment leaves at least
    one verified checkpoint. Folders without a manifest are not ours to judge and stay.

    Returns
    -------
    list of Path
        The deleted folders.
    """
    for leftover in root.glob(f"{_DELETED}*"):
        shutil.rmtree(leftover)
    if limit is None:
        return []
    spared = {path for path in (keep, best) if path is not None and path.is_dir()}
    sealed = [path for _, path in folders(root) if (path / SEAL).is_file() and path not in spared]
    surplus = sealed[max(limit - len(spared), 0) :]
    for path in surplus:
        delete(path)
    return surplus


def delete(path: Path) -> None:
    """Delete a checkpoint; a kill half-way leaves nothing that looks like one."""
    hidden = path.with_name(f"{_DELETED}{path.name}")
    if hidden.exists():
        shutil.rmtree(hidden)
    path.rename(hidden)
    shutil.rmtree(hidden)


def _problem(path: Path, step: int) -> str:
    try:
        document: dict[str, Any] = json.loads((path / SEAL).read_text(encoding="utf-8"))
        recorded = int(document["step"])
        files = {
            str(name): (int(entry["bytes"]), str(entry["sha256"]))
            for name, entry in document["files"].items()
        }
    except FileNotFoundError:
        return text("run.checkpoint_unsealed", file=SEAL)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return text("run.checkpoint_seal_unreadable", file=SEAL)
    if recorded != step:
        return text("run.checkpoint_other_step", file=SEAL, step=recorded)
    if missing := _missing(files):
        return missing
    # Sizes first: they tell of a cut file without reading gigabytes.
    for name, (size, _) in files.items():
        if not (path / name).is_file():
            return text("run.checkpoint_file_missing", file=name)
        if (got := (path / name).stat().st_size) != size:
            return text("run.checkpoint_file_size", file=name, got=got, expected=size)
    for name, (_, expected) in files.items():
        if sha256_file(path / name) != expected:
            return text("run.checkpoint_file_changed", file=name)
    return ""


def _missing(files: Mapping[str, Any]) -> str:
    for name in _STATE:
        if name not in files:
            return text("run.checkpoint_file_missing", file=name)
    for names in (_OPTIMIZER, _RANDOM):
        if not any(name in files for name in names):
            return text("run.checkpoint_file_missing", file=names[0])
    if not any(name in files for name in _WEIGHTS):
        return text("run.checkpoint_no_weights")
    return ""
