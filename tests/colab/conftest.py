"""An environment with the versions of Colab's image, and copies of it for a test to install into."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from filelock import FileLock

from support.commands import ROOT

IMAGE = Path(__file__).with_name("image.txt")


@pytest.fixture(scope="session")
def image() -> Path:
    """The environment as it comes; made once for its list of versions, then kept. Read-only."""
    key = hashlib.sha256(IMAGE.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = ROOT / ".cache" / f"colab-{key}"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "complete").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True)
            pip = [folder / "bin/python", "-m", "pip", "install", "--quiet"]
            pinned = [line for line in IMAGE.read_text().split() if line.startswith("pip==")]
            subprocess.run([*pip, *pinned], check=True)
            subprocess.run([*pip, "-r", IMAGE], check=True)
            (folder / "complete").touch()
    return folder


@pytest.fixture
def colab(image: Path, tmp_path: Path) -> Path:
    """The Python of a copy of the environment that the test may change."""
    copy = tmp_path / "colab"
    shutil.copytree(image, copy, symlinks=True, copy_function=link_or_copy)
    return copy / "bin/python"


def link_or_copy(source: str, target: str) -> None:
    """Links take a second where copies take a minute. pip replaces files and never writes into them."""
    try:
        os.link(source, target)
    except OSError:  # between two disks, or on one that has no links
        shutil.copy2(source, target)
