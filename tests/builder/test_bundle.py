"""The folder and the ZIP: complete, summed, and never over somebody's work."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import pytest

from ft_runtime.config import load_config
from ft_runtime.findings import FindingsError
from jupyter_ft.builder import build_bundle
from jupyter_ft.builder.bundle import write_zip
from jupyter_ft.builder.runtime_wheel import runtime_wheel
from support.configs import make_config

CONFIG = make_config()
OTHER = make_config(seed=7)
NAMES = [
    "fine_tune.ipynb",
    "config.yaml",
    "README.md",
    runtime_wheel().name,
    "metadata.json",
    "SHA256SUMS",
]


def codes(caught: pytest.ExceptionInfo[FindingsError]) -> list[tuple[str, str]]:
    return [(item.code, Path(item.where).name) for item in caught.value.findings]


def test_the_sums_are_right(tmp_path: Path):
    build_bundle(CONFIG).write(tmp_path)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(NAMES)


def test_the_zip_holds_the_files():
    bundle = build_bundle(CONFIG)
    archive = zipfile.ZipFile(BytesIO(bundle.to_zip()))
    assert archive.namelist() == NAMES
    assert {name: archive.read(name) for name in NAMES} == bundle.files


def test_the_metadata_tell_what_made_the_files():
    bundle = build_bundle(CONFIG)
    metadata = json.loads(bundle.files["metadata.json"])
    notebook = json.loads(bundle.files["fine_tune.ipynb"])["metadata"]["jupyter_ft"]
    assert notebook == {"version": "0.1.0", "runtime": "0.1.0", "schema": 1, "templates": 1}
    assert metadata["jupyter_ft"] == notebook["version"]
    assert metadata["files"]["config.yaml"] == {
        "sha256": hashlib.sha256(bundle.files["config.yaml"]).hexdigest(),
        "bytes": len(bundle.files["config.yaml"]),
    }


@pytest.mark.parametrize(
    ("runtime", "held"), [("embedded", True), ("wheel", True), ("index", False)]
)
def test_the_wheel_is_there_unless_the_index_is_used(runtime: Any, held: bool):
    bundle = build_bundle(CONFIG, runtime=runtime)
    assert (runtime_wheel().name in bundle.files) == held
    assert (runtime_wheel().name in bundle.files["README.md"].decode()) == held


def test_the_config_file_is_the_config():
    bundle = build_bundle(CONFIG)
    assert (
        load_config(json.loads(json.dumps(CONFIG))).to_yaml().encode()
        == bundle.files["config.yaml"]
    )


def test_an_unknown_way_to_get_the_runtime_is_refused():
    with pytest.raises(ValueError, match="embedded"):
        build_bundle(CONFIG, runtime="anything")  # type: ignore[arg-type]


def test_writing_again_replaces_what_is_ours_and_untouched(tmp_path: Path):
    build_bundle(CONFIG).write(tmp_path)
    build_bundle(CONFIG).write(tmp_path)
    bundle = build_bundle(OTHER)
    bundle.write(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == bundle.files


def test_a_notebook_that_was_run_but_not_edited_is_replaced(tmp_path: Path):
    build_bundle(CONFIG).write(tmp_path)
    path = tmp_path / "fine_tune.ipynb"
    notebook = nbformat.read(path, as_version=4)
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    code.outputs = [nbformat.v4.new_output("stream", text="hello, you")]
    nbformat.write(notebook, path)
    build_bundle(OTHER).write(tmp_path)
    assert b"hello, you" not in path.read_bytes()


def test_edited_files_are_named_and_nothing_is_written(tmp_path: Path):
    build_bundle(CONFIG).write(tmp_path)
    path = tmp_path / "fine_tune.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("# mine"))
    nbformat.write(notebook, path)
    (tmp_path / "config.yaml").write_text("# mine")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(FindingsError) as caught:
        build_bundle(OTHER).write(tmp_path)
    assert codes(caught) == [
        ("build.would_overwrite", "fine_tune.ipynb"),
        ("build.would_overwrite", "config.yaml"),
    ]
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    build_bundle(OTHER).write(tmp_path, force=True)
    assert b"# mine" not in path.read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a notebook", b'{"cells": 3}', b"\xff\xfe"])
def test_a_file_of_another_kind_is_never_lost(tmp_path: Path, content: bytes):
    (tmp_path / "fine_tune.ipynb").write_bytes(content)
    with pytest.raises(FindingsError) as caught:
        build_bundle(CONFIG).write(tmp_path)
    assert codes(caught) == [("build.would_overwrite", "fine_tune.ipynb")]
    assert (tmp_path / "fine_tune.ipynb").read_bytes() == content


def test_a_folder_that_cannot_be_written_is_a_finding(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FindingsError) as caught:
        build_bundle(CONFIG).write(tmp_path / "file")
    assert {code for code, _ in codes(caught)} == {"build.cannot_write"}


def test_a_zip_of_another_kind_is_never_lost(tmp_path: Path):
    path = tmp_path / "a.zip"
    bundle = build_bundle(CONFIG)
    write_zip(bundle, path)
    write_zip(bundle, path)
    path.write_bytes(b"mine")
    with pytest.raises(FindingsError) as caught:
        write_zip(bundle, path)
    assert codes(caught) == [("build.would_overwrite", "a.zip")]
    write_zip(bundle, path, force=True)
    assert path.read_bytes() == bundle.to_zip()
