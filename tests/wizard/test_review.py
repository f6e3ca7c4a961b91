"""The review: a notebook written, inserted or handed over, and nothing of others lost."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
import yaml

from ft_runtime.findings import FindingsError, finding
from jupyter_ft import Wizard
from jupyter_ft.wizard import review
from support.wizards import HOSTILE, control, fill

pytest_plugins = ["support.wizard_plugin"]


def test_the_whole_path_to_a_written_notebook(wizard: Wizard):
    assert wizard.review_step.write.disabled
    assert "model_id" in wizard.review_step.summary.value
    fill(wizard)
    assert wizard.model.given("dataset.format") == "jsonl_prompt"
    rate = control(wizard, "hyperparams.learning_rate")
    rate.input.value = "1e-4"
    assert rate.input.value == "1e-4"
    assert not wizard.review_step.write.disabled
    wizard.review_step.write.click()
    folder = Path("ft-notebook")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["hyperparams"]["learning_rate"] == 1e-4
    assert config["dataset"]["path"] == "../rows.jsonl"
    nbformat.validate(nbformat.read(folder / "fine_tune.ipynb", as_version=4))
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    links = [item["data"]["text/html"] for item in wizard.review_step.links.outputs]
    assert any("fine_tune.ipynb" in link for link in links)
    assert "ft-notebook" in wizard.review_step.said.value


def test_an_edited_file_is_overwritten_only_when_asked(wizard: Wizard):
    fill(wizard)
    Path("ft-notebook").mkdir()
    Path("ft-notebook/README.md").write_text("mine")
    wizard.review_step.write.click()
    assert Path("ft-notebook/README.md").read_text() == "mine"
    assert "README.md" in wizard.review_step.said.value
    wizard.review_step.overwrite.value = True
    wizard.review_step.write.click()
    assert Path("ft-notebook/README.md").read_text() != "mine"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_folder_of_any_name_is_written_or_told(wizard: Wizard, name: str):
    fill(wizard)
    wizard.review_step.folder.value = name
    wizard.review_step.write.click()
    said = wizard.review_step.said.value
    assert "build.cannot_write" in said or (Path(name) / "fine_tune.ipynb").is_file()


def test_insert_hands_over_the_cells_and_tells_the_end(wizard: Wizard):
    fill(wizard)
    asked: list[Any] = []
    wizard.review_step._inserter = lambda cells, done: asked.append((cells, done))
    wizard.review_step.insert.click()
    ((cells, done),) = asked
    assert json.loads(json.dumps(cells)) == cells
    assert any(cell["cell_type"] == "code" for cell in cells)
    assert all(cell["metadata"]["jupyter_ft"] for cell in cells)
    assert wizard.review_step.insert.disabled
    done("Inserted them.")
    assert "Inserted them." in wizard.review_step.said.value
    assert not wizard.review_step.insert.disabled
    wizard.review_step.insert.click()
    done("Inserted them late.")
    assert "Inserted them late." not in wizard.review_step.said.value
    assert wizard.review_step.insert.disabled, "another insertion goes on"
    asked[-1][1](finding("wizard.no_extension"))
    assert "Write notebook" in wizard.review_step.said.value


def test_in_colab_the_files_are_downloaded(wizard: Wizard, monkeypatch: pytest.MonkeyPatch):
    files, got = ModuleType("google.colab.files"), []
    files.download = got.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google.colab.files", files)
    fill(wizard)
    wizard.review_step.write.click()
    assert got == ["ft-notebook.zip"]
    assert Path("ft-notebook.zip").is_file()


def test_without_ipywidgets_a_finding_says_what_to_type(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(FindingsError) as caught:
        Wizard()
    (item,) = caught.value.findings
    assert item.code == "wizard.no_ipywidgets"
    assert "pip install ipywidgets" in item.hint


def test_the_review_uses_the_comm_unless_told_otherwise():
    assert review.Insertion.__module__ == "jupyter_ft.wizard.insert"
