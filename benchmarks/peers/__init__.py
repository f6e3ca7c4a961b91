"""The environments of the peers: made by ``--setup``, pinned by the files of this folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
TORCH = "torch==2.13.0"
PEERS = ("trl", "unsloth", "llamafactory", "axolotl")


def python_of(peer: str, cache: Path) -> Path | None:
    """Return the interpreter of a peer's environment; None when it is not there."""
    if not peer:
        return Path(sys.executable)
    python = cache / peer / "bin" / "python"
    return python if python.exists() else None


def setup(
    cache: Path, peers: tuple[str, ...], tell: Callable[[str], None] = print
) -> dict[str, str]:
    """Create the environments; return why, for each that could not be.

    torch comes first and alone: left to the others' requirements it would come with gigabytes of
    CUDA. The rest is a complete list, installed without following dependencies. torchvision,
    torchaudio and xformers are left out of it, because their wheels on PyPI need a CUDA build.
    """
    failed: dict[str, str] = {}
    for peer in peers:
        folder = cache / peer
        tell(f"environment of {peer}: {folder}")
        steps = (
            [sys.executable, "-m", "venv", str(folder)],
            [str(folder / "bin" / "pip"), "install", "--quiet", TORCH],
            [
                str(folder / "bin" / "pip"), "install", "--quiet", "--no-deps",
                "--requirement", str(HERE / f"{peer}.txt"),
            ],
        )  # fmt: skip
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                failed[peer] = " ".join((done.stdout + done.stderr).split()[-40:])
                tell(f"  failed: {failed[peer]}")
                break
    return failed
