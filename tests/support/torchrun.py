"""Start a script of the tests with two processes, as a user does with torchrun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
TORCHRUN = (
    sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
    # Not by its name, which not every machine can resolve.
    "--local-addr", "127.0.0.1",
)  # fmt: skip


def launch(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``torchrun --nproc-per-node 2`` with these arguments to its end."""
    paths = [str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)}
    command = [*TORCHRUN, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd, timeout=550)
