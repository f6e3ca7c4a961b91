"""The compiled kernels of the doctor for tests: compiled once per machine and source."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from ft_runtime.doctor import kernels

TIERS = ("numpy", "compiled")


def use(tier: str, patch: pytest.MonkeyPatch) -> None:
    """Let scans of any size use this tier, those of other processes too."""
    patch.setenv("FT_KERNELS", "on" if tier == "compiled" else "off")
    if tier != "compiled":
        return
    folder = Path(tempfile.gettempdir()) / f"ft-kernels-{os.getuid()}"
    patch.setenv("FT_CACHE", str(folder))
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        assert isinstance(kernels.compile_all(), Path)
