"""The front end as the wheel brings it: small, and with nothing in it that is not named."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from support.commands import ROOT

LIMIT = 400_000
"""Bytes of the built extension, unpacked: what a browser may have to load."""


@pytest.fixture(scope="module")
def files(wheels: dict[str, Path]) -> dict[str, bytes]:
    """What the wheel puts into share/jupyter/labextensions."""
    archive = zipfile.ZipFile(wheels["jupyter_ft"])
    mark = "/share/jupyter/labextensions/jupyter-ft/"
    held = [name for name in archive.namelist() if mark in name]
    return {name.partition(mark)[2]: archive.read(name) for name in held}


def test_it_is_small(files: dict[str, bytes]):
    assert "package.json" in files
    assert sum(map(len, files.values())) < LIMIT


def test_every_package_in_it_is_named_with_a_reason(files: dict[str, bytes]):
    """JupyterLab gives its own packages at run time; these others are in the bundle."""
    licences = json.loads(files["static/third-party-licenses.json"])
    bundled = {item["name"] for item in licences["packages"]}
    reasons = (ROOT / "labextension/README.md").read_text()
    assert {name for name in bundled if f"`{name}`" not in reasons} == set()
    wanted = json.loads((ROOT / "labextension/package.json").read_text())["dependencies"]
    ours = {"@jupyterlab", "@lumino", "react"}
    foreign = {name for name in wanted if name.split("/")[0] not in ours}
    assert foreign <= bundled, "what is not JupyterLab's own is asked for because it is used"
