"""Exceptions of a training that are no bug: told as findings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ft_runtime import processes
from ft_runtime.artifacts.folder import is_disk_full, megabytes
from ft_runtime.findings import Finding, finding

if TYPE_CHECKING:
    from transformers import Trainer

_LOST_TEXTS = (
    "connection closed by peer",
    "connection reset by peer",
    "connection refused",
    "broken pipe",
    "socket closed",
    "nccl",
)
_LITTLE = 64 << 20


def save_problem(error: BaseException, path: Path) -> Finding:
    """Return the finding for a checkpoint that could not be written to `path`."""
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    # torch says no more than "file write failed"; the free space tells the rest.
    if is_disk_full(error) or free < _LITTLE:
        return finding("training.disk_full", where=str(path), free=megabytes(free))
    return finding("training.checkpoint_failed", where=str(path), reason=_first_line(error))


def training_problem(error: BaseException, trainer: Trainer) -> Finding | None:
    """Return the finding for an exception out of the training loop; None when it is unexpected."""
    step = trainer.state.global_step
    if processes.count() > 1 and any(part in str(error).lower() for part in _LOST_TEXTS):
        return finding(
            "training.process_lost",
            where=f"step {step + 1}",
            count=processes.count(),
            reason=_first_line(error),
        )
    # transformers clears the flag once a checkpoint is written: set, it was being written.
    if trainer.control.should_save:
        return save_problem(error, Path(trainer.args.output_dir) / f"checkpoint-{step}")
    return None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
