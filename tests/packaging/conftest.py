"""Wheels of both distributions, built once and installed in an environment of their own."""

from __future__ import annotations

import shutil
import sys
import venv
from pathlib import Path

import pytest

from support.commands import ROOT, run

# What a test run leaves in a checkout must not reach the copy that the wheels are built from.
IGNORED = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".cache",
    ".hypothesis",
    ".ipynb_checkpoints",
    "__pycache__",
    "demo",
    "outputs",
    "*.egg-info",
    ".*_cache",
    "node_modules",
    "lib",
)
# What others release today decides nothing here.
INSTALL = ("-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt")
BUILT = ROOT / "jupyter_ft" / "labextension"


def ignored(folder: str, names: list[str]) -> set[str]:
    """Leave out what was built, so that the front end of the wheel is built from its sources."""
    built = {BUILT.name} if Path(folder) == BUILT.parent else set()
    return IGNORED(folder, names) | built


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both wheels, built from a copy of the checkout."""
    folder = tmp_path_factory.mktemp("wheels")
    checkout = folder / "checkout"
    shutil.copytree(ROOT, checkout, ignore=ignored)
    target = folder / "dist"
    for project in (checkout / "ft_runtime", checkout):
        run(
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "-w",
            target,
            project,
            cwd=folder,
        )
    return {path.name.split("-")[0]: path for path in target.glob("*.whl")}


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> Path:
    """The folder of a fresh virtual environment that holds the two wheels and their base needs alone."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "python", *INSTALL, *wheels.values(), cwd=folder)
    return folder


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> Path:
    """The folder of a fresh virtual environment of somebody who has JupyterLab and adds the wheels."""
    folder = tmp_path_factory.mktemp("lab") / "venv"
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, *INSTALL, *wheels.values(), "jupyterlab>=4.6,<5", cwd=folder)
    return folder
