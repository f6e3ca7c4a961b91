"""The wheel that a notebook carries: what pip accepts, and what the project file says."""

from __future__ import annotations

import base64
import bz2
import hashlib
import json
import subprocess
import sys
import zipfile
from email.parser import Parser
from io import BytesIO
from pathlib import Path

import pytest
import tomllib

import ft_runtime
from jupyter_ft.builder.requirements import REQUIREMENTS
from jupyter_ft.builder.runtime_wheel import runtime_wheel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(BytesIO(runtime_wheel().data))


def test_pip_installs_it_and_it_works_without_the_checkout(tmp_path: Path):
    wheel = runtime_wheel()
    path = tmp_path / wheel.name
    path.write_bytes(wheel.data)
    target = tmp_path / "site"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--isolated",
        "install",
        "--no-deps",
        "--no-index",
        "-q",
        "-t",
        target,
    ]
    subprocess.run([*pip, path], check=True, cwd=tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r}); import ft_runtime as ft; "
        "print(ft.__file__, ft.load_config({'model_id': 'a/b', 'dataset': "
        "{'path': 'x', 'format': 'jsonl_prompt'}}).seed)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True, text=True
    )
    assert run.stdout.split() == [str(target / "ft_runtime/__init__.py"), "42"]


def test_the_record_lists_every_file(archive: zipfile.ZipFile):
    (record,) = [name for name in archive.namelist() if name.endswith("/RECORD")]
    listed = {}
    for line in archive.read(record).decode().splitlines():
        name, digest, size = line.rsplit(",", 2)
        listed[name] = (digest, size)
    assert list(listed) == archive.namelist()
    assert listed.pop(record) == ("", "")
    for name, (digest, size) in listed.items():
        data = archive.read(name)
        encoded = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={encoded}", str(len(data)))


def test_it_holds_the_sources_the_schema_and_the_messages(archive: zipfile.ZipFile):
    names = set(archive.namelist())
    for path in (ROOT / "ft_runtime").rglob("*"):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in (".py", ".json", ".typed") and path.name != "hatch_build.py":
            assert archive.read(name) == path.read_bytes()
    assert json.loads(archive.read("ft_runtime/schemas/config.schema.json"))["x-version"]
    assert not any("__pycache__" in name or "hatch_build" in name for name in names)


def test_the_packed_form_gives_the_wheel_back():
    wheel = runtime_wheel()
    assert bz2.decompress(base64.b64decode("\n".join(wheel.packed))) == wheel.data
    assert all(0 < len(line) <= 4096 for line in runtime_wheel().packed)
    assert len("".join(wheel.packed)) < 480_000


def test_requirements_are_those_of_the_project_file(archive: zipfile.ZipFile):
    project = tomllib.loads((ROOT / "ft_runtime/pyproject.toml").read_text())["project"]
    said = {("", item) for item in project["dependencies"]}
    for extra, items in project["optional-dependencies"].items():
        said |= {(extra, item) for item in items}
    assert {(item.extra, item.name + item.bounds) for item in REQUIREMENTS} == said
    (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
    fields = Parser().parsestr(archive.read(metadata).decode())
    assert fields["Name"] == project["name"]
    assert fields["Version"] == project["version"] == ft_runtime.__version__
    assert fields["Requires-Python"] == project["requires-python"]
    assert len(fields.get_all("Requires-Dist")) == len(said)
    assert set(fields.get_all("Provides-Extra")) == set(project["optional-dependencies"])
    (points,) = [name for name in archive.namelist() if name.endswith("/entry_points.txt")]
    for name, place in project["scripts"].items():
        assert f"{name} = {place}" in archive.read(points).decode()


def test_what_is_added_is_what_the_project_accepts():
    from packaging.specifiers import SpecifierSet

    for item in REQUIREMENTS:
        assert item.pin in SpecifierSet(item.bounds), item.name
        assert item.oldest in SpecifierSet(item.bounds), item.name
