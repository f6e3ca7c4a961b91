"""What stops a notebook is told by the cell that found it, and a pause goes on where it was."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec

from jupyter_ft.builder import build_notebook
from jupyter_ft.execution import Outcome, execute_notebook
from jupyter_ft.execution.kernel import ThisPython

MakeConfig = Callable[..., dict[str, Any]]
INTERRUPT = """
import os, signal
from transformers import TrainerCallback

class Interrupt(TrainerCallback):
    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == 3:
            os.kill(os.getpid(), signal.SIGINT)

trainer.add_callback(Interrupt())
"""


def execute(notebook: nbformat.NotebookNode, folder: Path) -> Outcome:
    return execute_notebook(notebook, folder, save=folder / "fine_tune.ipynb", show=False)


@pytest.mark.parametrize(
    ("change", "cell", "code"),
    [
        ({"dataset": {"path": "gone.jsonl"}}, "data-read", "data."),
        ({"provider": "hf_local", "model_id": "nowhere"}, "data-tokens", "models."),
        (
            {"dataset": {"format": "csv_classification"}, "eval": {"metrics": ["f1"]}},
            "data-",
            "data.",
        ),
    ],
    ids=["no data", "no model", "another format"],
)
def test_bad_input_is_a_finding_in_its_cell(
    tmp_path: Path, make_tiny: MakeConfig, change: dict[str, Any], cell: str, code: str
):
    config = make_tiny("lora", "jsonl_prompt")
    for name, value in change.items():
        config[name] = {**config.get(name, {}), **value} if isinstance(value, dict) else value
    outcome = execute(build_notebook(config), tmp_path)
    assert outcome.status == "findings", outcome
    assert outcome.cell.startswith(cell)
    assert f"[{code}" in outcome.message
    notebook = nbformat.read(tmp_path / "fine_tune.ipynb", as_version=4)
    stopped = next(item for item in notebook.cells if item.id == outcome.cell)
    (error,) = [o for o in stopped.outputs if o.output_type == "error"]
    assert "Traceback" not in "".join(error.traceback), "findings come without a traceback"


def test_a_mistake_in_the_config_cell_is_found_by_the_check(tmp_path: Path, make_tiny: MakeConfig):
    notebook = build_notebook(make_tiny("lora", "jsonl_prompt"))
    values = next(cell for cell in notebook.cells if cell.id == "config-values")
    values.source = values.source.replace('"num_epochs": 2', '"num_epoch": -2')
    outcome = execute(notebook, tmp_path)
    assert (outcome.status, outcome.cell) == ("findings", "check-config")
    assert "num_epochs" in outcome.message
    assert not (tmp_path / "run").exists()


def test_an_interrupted_training_goes_on_when_the_notebook_is_run_again(
    tmp_path: Path, make_tiny: MakeConfig
):
    config = make_tiny("lora", "jsonl_prompt")
    notebook = build_notebook(config)
    index = next(i for i, cell in enumerate(notebook.cells) if cell.id == "training-train")
    notebook.cells.insert(index, nbformat.v4.new_code_cell(INTERRUPT))
    paused = execute(notebook, tmp_path)
    assert (paused.status, paused.cell) == ("paused", "training-train"), paused.message
    assert json.loads((tmp_path / "run/manifest.json").read_text())["status"] == "paused"
    again = build_notebook(config)
    finished = execute(again, tmp_path)
    assert finished.status == "ok", finished.message
    train = next(cell for cell in again.cells if cell.id == "training-train")
    assert "10 of 10 steps" in str(train.outputs)
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["resumed"][0]["step"] == 4


def test_an_error_of_the_reader_s_own_code_keeps_its_traceback(tmp_path: Path):
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("1 / 0", id="mine"),
            nbformat.v4.new_code_cell("2", id="next"),
        ]
    )
    outcome = execute(notebook, tmp_path)
    assert (outcome.status, outcome.cell) == ("failed", "mine")
    assert "ZeroDivisionError" in outcome.message
    assert notebook.cells[1].execution_count is None


def test_a_kernel_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = KernelSpec(argv=[sys.executable, "-c", "raise SystemExit(3)"], language="python")
    monkeypatch.setattr(ThisPython, "kernel_spec", broken)
    cell = nbformat.v4.new_code_cell("1")
    outcome = execute(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    assert (outcome.status, outcome.cell) == ("failed", "")
    assert "build.kernel_not_started" in outcome.message


def test_a_kernel_that_dies_is_told(tmp_path: Path):
    cell = nbformat.v4.new_code_cell("import os; os._exit(3)", id="dies")
    outcome = execute(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    assert (outcome.status, outcome.cell) == ("failed", "dies")
    assert "build.kernel_died" in outcome.message
