"""The notebook that Binder opens runs to its end, in the environment that Binder would build."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient
from packaging.requirements import Requirement

from jupyter_ft.execution.client import ThisPython
from support.commands import ROOT

BINDER = ROOT / "binder"
FIVE_MINUTES = 300


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, tiny_causal_dir: Path) -> Path:
    """The checkout as Binder has it after postBuild, without what the notebook does not read."""
    folder = tmp_path_factory.mktemp("binder")
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "binder").mkdir()
    shutil.copy(BINDER / "five_minutes.ipynb", folder / "binder")
    shutil.copytree(tiny_causal_dir, folder / "binder" / "model")
    return folder


def test_the_notebook_runs_to_its_end_and_leaves_a_tuned_model(checkout: Path):
    notebook = nbformat.read(checkout / "binder" / "five_minutes.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        timeout=FIVE_MINUTES,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(checkout / "binder")}},
    )
    client.execute()
    made = checkout / "binder" / "five-minutes"
    assert nbformat.read(made / "fine_tune.ipynb", as_version=4).cells
    assert list((made / "run").rglob("adapter_model.safetensors"))
    report = json.loads((made / "run" / "report.json").read_text())
    assert report
    outputs = [item for cell in notebook.cells for item in cell.get("outputs", [])]
    assert not [item for item in outputs if item.output_type == "error"]
    assert notebook.cells[-1].outputs, "the report is shown"


def test_the_notebook_is_stored_without_outputs():
    notebook = nbformat.read(BINDER / "five_minutes.ipynb", as_version=4)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_binder_installs_the_torch_that_the_tests_use():
    (pinned,) = (
        Requirement(line)
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line.startswith("torch")
    )
    listed = yaml.safe_load((BINDER / "environment.yml").read_text())["dependencies"]
    (torch,) = (Requirement(line) for line in listed if line.startswith("pytorch-cpu"))
    (version,) = (item.version for item in pinned.specifier)
    assert torch.specifier.contains(version)


def test_what_binder_runs_after_it_is_executable():
    assert (BINDER / "postBuild").stat().st_mode & 0o111
