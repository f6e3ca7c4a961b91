"""Run a command as a stranger would: away from the checkout, without its path."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_OURS = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    """Run a command in `cwd` and return what it printed; its exit code must be `code`."""
    environment = {key: value for key, value in os.environ.items() if key not in _OURS}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
