"""Installing the wheel is all it takes: JupyterLab and Jupyter Server find the extension by themselves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

EXTENSION = ".data/data/share/jupyter/labextensions/jupyter-ft/"
LARGEST = 400_000  # bytes


def listed(environment: Path, kind: str, home: Path) -> str:
    """What `jupyter <kind> list` says, to a user who has no settings; a part of it goes to stderr."""
    variables = {"HOME": str(home), "PATH": os.environ["PATH"], "JUPYTER_CONFIG_DIR": str(home)}
    done = subprocess.run(
        [environment / "bin" / "jupyter", *kind.split(), "list"],
        cwd=home,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


def test_the_wheel_holds_the_front_end_once_and_it_is_small(wheels: dict[str, Path]):
    held = zipfile.ZipFile(wheels["jupyter_ft"]).infolist()
    front_end = [item for item in held if EXTENSION in item.filename]
    names = {item.filename.split(EXTENSION)[1] for item in front_end}
    assert {"package.json", "install.json", "schemas/jupyter-ft/panel.json"} <= names
    assert any(name.startswith("static/remoteEntry.") for name in names)
    assert sum(item.file_size for item in front_end) < LARGEST
    assert not [item for item in held if item.filename.startswith("jupyter_ft/labextension")]


def test_the_front_end_has_the_version_of_the_package(wheels: dict[str, Path]):
    archive = zipfile.ZipFile(wheels["jupyter_ft"])
    (name,) = [name for name in archive.namelist() if name.endswith(EXTENSION + "package.json")]
    assert json.loads(archive.read(name))["version"] == wheels["jupyter_ft"].name.split("-")[1]


def test_the_server_extension_is_enabled_and_loads_without_jupyterlab(
    elsewhere: Path, tmp_path: Path
):
    lines = listed(elsewhere, "server extension", tmp_path)
    assert re.search(r"jupyter_ft\s+enabled", lines)
    assert re.search(r"jupyter_ft \S+ .*OK", lines), lines


def test_jupyterlab_finds_both_extensions_enabled(lab: Path, tmp_path: Path):
    lines = listed(lab, "labextension", tmp_path)
    assert re.search(r"jupyter-ft v\S+ .*enabled.*OK", lines), lines
    assert re.search(r"jupyter_ft \S+ .*OK", listed(lab, "server extension", tmp_path))
