"""The notebook of every config in the matrix runs from its first cell to its last."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from ft_runtime.config import load_config, read_document
from jupyter_ft.builder import build_notebook
from jupyter_ft.execution import execute_notebook
from support.configs import FORMATS, TUNE_TYPES

ALL_METRICS = {"eval": {"metrics": ["perplexity", "rouge", "bleu", "exact_match"]}}


def run(config: dict[str, Any], folder: Path, runtime: Any = "embedded") -> nbformat.NotebookNode:
    """Execute the notebook of a config in `folder`; it must come to its end."""
    path = folder / "fine_tune.ipynb"
    outcome = execute_notebook(
        build_notebook(config, runtime=runtime), folder, save=path, show=False
    )
    assert outcome.status == "ok", f"{outcome.cell}\n{outcome.message}"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def shown(notebook: nbformat.NotebookNode, cell_id: str) -> str:
    """What a cell printed and showed, as text."""
    cell = next(cell for cell in notebook.cells if cell.id == cell_id)
    return "\n".join(o.get("text") or o.data.get("text/plain", "") for o in cell.outputs)


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("tune_type", TUNE_TYPES)
def test_every_cell_runs_and_the_run_folder_is_complete(
    tmp_path: Path, make_tiny: Callable[..., dict[str, Any]], tune_type: str, format: str
):
    config = make_tiny(tune_type, format)
    notebook = run(config, tmp_path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert "nothing was installed" in shown(notebook, "install-packages")
    check_run_folder(tmp_path / "run", config, rows=50)


def check_run_folder(folder: Path, config: dict[str, Any], rows: int) -> None:
    assert load_config(read_document(folder / "config.yaml")) == load_config(config)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    events = [event["event"] for event in read_lines(folder / "events.jsonl")]
    assert events[0] == "started"
    assert events[-1] == "ended"
    assert "checkpoint" in events
    assert any("loss" in line for line in read_lines(folder / "metrics.jsonl"))
    with open(folder / "ledger.csv", newline="", encoding="utf-8") as file:
        ledger = list(csv.DictReader(file))
    assert [int(row["row"]) for row in ledger] == list(range(1, rows + 1))
    assert {row["state"] for row in ledger} <= {"whole", "truncated", "lost_end", "dropped"}
    report = json.loads((folder / "report.json").read_text())
    assert [metric["name"] for metric in report["metrics"]]
    model = folder / ("model" if config["tune_type"] == "full" else "adapter")
    assert list(model.glob("*.safetensors"))
    assert list(model.glob("tokenizer*"))
    card = (folder / "README.md").read_text()
    assert str(report["metrics"][0]["n"]) in card
    assert list((folder / "checkpoints").glob("checkpoint-*"))
    assert list((folder / "logs").rglob("*tfevents*"))


@pytest.mark.parametrize(
    ("tune_type", "format", "options"),
    [
        ("lora", "jsonl_chat", {"artifacts": {"merge": True}, **ALL_METRICS}),
        ("qlora", "jsonl_prompt", {"artifacts": {"merge": True}}),
        ("lora", "jsonl_instr", {"hyperparams": {"packing": True, "batch_size_train": "auto"}}),
        ("full", "jsonl_chat", {"hyperparams": {"gradient_checkpointing": True}}),
        ("lora", "csv_classification", {"lora": {"use_dora": True, "init_lora_weights": "pissa"}}),
        ("qlora", "jsonl_chat", {"qlora": {"bits": 8}}),
        (
            "lora",
            "jsonl_prompt",
            {"hyperparams": {"neftune_noise_alpha": 5, "optimizer": "adafactor"}},
        ),
    ],
    ids=["merge", "merge quantised", "packing", "checkpointing", "dora", "8 bits", "neftune"],
)
def test_options_run_too(
    tmp_path: Path,
    make_tiny: Callable[..., dict[str, Any]],
    tune_type: str,
    format: str,
    options: dict[str, Any],
):
    notebook = run(make_tiny(tune_type, format, **options), tmp_path, runtime="index")
    assert json.loads((tmp_path / "run/manifest.json").read_text())["status"] == "finished"
    if options.get("artifacts", {}).get("merge"):
        assert "merged" in shown(notebook, "save-model").lower()


def test_one_file_a_split_and_no_logs(tmp_path: Path, make_tiny: Callable[..., dict[str, Any]]):
    config = make_tiny("lora", "jsonl_prompt")
    lines = (tmp_path / "rows.jsonl").read_text().splitlines(keepends=True)
    for name, part in (("a", lines[:30]), ("b", lines[30:40]), ("c", lines[40:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(part))
    config["dataset"] = {
        "format": "jsonl_prompt",
        "path": {"train": "a.jsonl", "val": "b.jsonl", "test": "c.jsonl"},
    }
    config["logs"] = "none"
    notebook = run(config, tmp_path)
    assert "30" in shown(notebook, "data-split")
    assert not list((tmp_path / "run").glob("logs/*"))
