"""``jupyter ft run`` and ``jupyter ft demo``, to the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

import jupyter_ft.demo
from ft_runtime.samples import write_sample
from jupyter_ft.cli import main

MakeConfig = Callable[..., dict[str, Any]]


def test_run_generates_and_runs_where_the_command_runs(
    tmp_path: Path, make_tiny: MakeConfig, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(make_tiny("lora", "jsonl_prompt")))
    before = (tmp_path / "config.yaml").read_text()
    assert main(["run", "config.yaml", "--set", "hyperparams.num_epochs=1"]) == 0
    assert json.loads((tmp_path / "run/manifest.json").read_text())["status"] == "finished"
    notebook = nbformat.read(tmp_path / "fine_tune.ipynb", as_version=4)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert (tmp_path / "config.yaml").read_text() == before
    out = capsys.readouterr().out
    assert "training-train" in out
    assert "fine_tune.ipynb" in out


def test_run_says_what_stopped_it_and_returns_1(
    tmp_path: Path, make_tiny: MakeConfig, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    monkeypatch.chdir(tmp_path)
    config = make_tiny("lora", "jsonl_prompt")
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a", "completion": "b"}\n{"prompt": \n')
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["run", "config.yaml"]) == 1
    err = capsys.readouterr().err
    assert "rows.jsonl:2" in err
    assert "Traceback" not in err
    assert "data-" in err


@pytest.mark.parametrize("format", [None, "jsonl_chat", "csv_classification"])
def test_the_demo_runs_on_the_example_and_on_a_file_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, format: str | None
):
    # What the settings gain is seen by running the demo; here it only has to be whole.
    monkeypatch.setattr(jupyter_ft.demo, "_STEPS", (1, 12))
    monkeypatch.chdir(tmp_path)
    arguments = ["demo", "--out", "here"]
    if format:
        mine = write_sample(format, tmp_path / "mine.data")
        if format == "jsonl_chat":  # every fourth row is longer than the demo's model reads
            long = [{"role": r, "content": "word " * 900} for r in ("user", "assistant")]
            count = mine.read_text(encoding="utf-8").count("\n")
            with open(mine, "a", encoding="utf-8") as stream:
                stream.write((json.dumps({"messages": long}) + "\n") * (count // 3))
        arguments += ["--data", str(mine)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "here/run" in out
    assert ("accuracy" if format == "csv_classification" else "perplexity") in out
    assert json.loads((tmp_path / "here/run/manifest.json").read_text())["status"] == "finished"
    assert (tmp_path / "here/SHA256SUMS").is_file()


def test_the_demo_refuses_data_that_it_cannot_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.jsonl").write_text('{"a": 1, "b": 2}\n')
    assert main(["demo", "--data", "odd.jsonl"]) == 1
    assert "build.demo_format" in capsys.readouterr().err
    assert main(["demo", "--data", "gone.jsonl"]) == 1
    assert "gone.jsonl" in capsys.readouterr().err
    assert main(["demo", "--out", "odd.jsonl/demo"]) == 1
    assert "build.cannot_write" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()
