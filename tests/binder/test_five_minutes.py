"""The notebook that Binder opens runs to its end, in the environment that Binder would build."""

from __future__ import annotations

import json
import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from jupyter_ft.execution.kernel import ThisPython
from support.commands import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BINDER = ROOT / "binder"


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
        timeout=None,
        startup_timeout=300,
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


def extras_of(text: str) -> dict[str, set[str]]:
    """Return which extras of which of our distributions a script installs."""
    found = re.findall(r'"(?:-e )?(\./ft_runtime|\.)\[([a-z,]+)\]"', text)
    return {folder: set(extras.split(",")) for folder, extras in found}


def test_binder_installs_what_the_tests_are_run_with():
    binder = extras_of((BINDER / "postBuild").read_text())
    tests = extras_of((ROOT / "Makefile").read_text())
    assert set(binder) == {"./ft_runtime", "."}
    for folder, extras in binder.items():
        offered = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        assert extras <= tests[folder]
        asked = [*offered["dependencies"]]
        for extra in extras:
            asked += offered["optional-dependencies"][extra]
        for requirement in map(Requirement, asked):
            if requirement.marker is None or requirement.marker.evaluate():
                assert requirement.specifier.contains(version(requirement.name)), requirement


def test_binder_has_the_python_and_the_node_that_are_asked_for():
    listed = yaml.safe_load((BINDER / "environment.yml").read_text())["dependencies"]
    asked = {item.name: item.specifier for item in map(Requirement, map(pinned, listed))}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (python,) = asked["python"]
    assert SpecifierSet(project["requires-python"]).contains(python.version)
    engines = json.loads((ROOT / "labextension/package.json").read_text())["engines"]["node"]
    assert ">=22.12" in engines
    assert asked["nodejs"].contains("22.12")
    assert not asked["nodejs"].contains("22.11")


def pinned(text: str) -> str:
    """Return a requirement of conda as pip writes it: one = is a version and all below it."""
    return re.sub(r"^([\w-]+)=([\d.]+)$", r"\1==\2", text)


def test_what_binder_runs_after_it_is_executable():
    assert (BINDER / "postBuild").stat().st_mode & 0o111
