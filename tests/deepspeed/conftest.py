"""An environment with DeepSpeed on top of the one that runs the tests, and launches in it."""

from __future__ import annotations

import hashlib
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from support.commands import ROOT

NEEDED = Path(__file__).with_name("requirements.txt")
Launch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def environment() -> Path:
    """Its Python; made once, then kept. DeepSpeed stays out of the environment of the other tests."""
    below = [sysconfig.get_path("purelib"), *site.getsitepackages()]
    key = hashlib.sha256(f"{NEEDED.read_text()}{sys.version}{below}".encode()).hexdigest()[:12]
    folder = ROOT / ".cache" / f"deepspeed-{key}"
    folder.parent.mkdir(exist_ok=True)
    python = folder / "bin/python"
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "complete").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True, symlinks=True)
            (packages,) = folder.glob("lib/python*/site-packages")
            lines = [f"import site; site.addsitedir({path!r})" for path in dict.fromkeys(below)]
            (packages / "below.pth").write_text("\n".join(lines))
            command = [python, "-m", "pip", "install", "--quiet", "--no-build-isolation"]
            env = {**os.environ, "DS_BUILD_OPS": "0", "DS_ACCELERATOR": "cpu"}
            subprocess.run([*command, "-r", NEEDED], check=True, env=env)
            (folder / "complete").touch()
    return python


@pytest.fixture(scope="session")
def launch(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Start something as a user does: ``accelerate launch --config_file``, two processes."""

    def start(stage: int, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:  # fmt: skip
        config = {
            "compute_environment": "LOCAL_MACHINE",
            "distributed_type": "DEEPSPEED",
            "num_machines": 1,
            "num_processes": 2,
            "main_process_port": 0,  # a free one: another run of these tests may have the usual one
            "use_cpu": False,
            "deepspeed_config": {"zero_stage": stage},
        }
        path = tmp_path_factory.mktemp("launch") / "accelerate.yaml"
        path.write_text(yaml.safe_dump(config))
        paths = [str(ROOT / "tests"), str(ROOT), os.environ.get("PYTHONPATH", "")]
        env = {
            **os.environ,
            "DS_ACCELERATOR": "cpu",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(paths),
            "TORCH_EXTENSIONS_DIR": str(environment.parents[1] / "extensions"),
        }
        command = [environment, "-m", "accelerate.commands.launch", "--config_file", path]
        return subprocess.run(
            [*map(str, command), *map(str, arguments)],
            capture_output=True, text=True, env=env, cwd=cwd, timeout=1500,
        )  # fmt: skip

    return start
