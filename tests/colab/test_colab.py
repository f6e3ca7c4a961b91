"""A generated notebook, unedited, in Colab's versions: it trains, and nothing that was there moves."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient

from ft_runtime.samples import write_sample
from jupyter_ft.builder import build_bundle, build_notebook
from jupyter_ft.builder.requirements import REQUIREMENTS
from jupyter_ft.builder.runtime_wheel import runtime_wheel
from jupyter_ft.execution.kernel import ThisPython
from support.commands import ROOT
from support.configs import make_config

# Packages are fetched, several hundred megabytes the first time.
pytestmark = pytest.mark.timeout(3600)

IMAGE = Path(__file__).with_name("image.txt")
PYTEST = "pytest==8.4.2"
PINS = {item.name: item.pin for item in REQUIREMENTS} | {"ft-runtime": runtime_wheel().version}


def installed(python: Path) -> dict[str, str]:
    command = [python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {item["name"]: item["version"] for item in listed}


def execute(
    notebook: nbformat.NotebookNode,
    folder: Path,
    python: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> nbformat.NotebookNode:
    """Run every cell in one kernel of `python`, from `folder`."""
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = KernelSpec(argv=argv, display_name="Python 3", language="python")

    class Kernel(ThisPython):
        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook,
        timeout=None,
        # Of a new environment every file is read for the first time.
        startup_timeout=900,
        kernel_manager_class=Kernel,
        resources=resources,
    )
    return client.execute()


def tiny_config(model: Path, folder: Path, tune_type: str, **more: Any) -> dict[str, Any]:
    write_sample("jsonl_chat", folder / "rows.jsonl")
    return make_config(
        tune_type,
        "jsonl_chat",
        provider="hf_local",
        model_id=str(model),
        hyperparams={"num_epochs": 1, "learning_rate": 5e-3, "max_seq_len": 256},
        eval={"max_rows": 4, "max_new_tokens": 12, "bootstrap_samples": 100, **more},
        artifacts={"output_dir": "run"},
    )


def printed(notebook: nbformat.NotebookNode, cell_id: str) -> str:
    cell = next(cell for cell in notebook.cells if cell.id == cell_id)
    return "".join(output.get("text", "") for output in cell.outputs)


READERS = ("msgspec", "orjson")
"""What ft-runtime reads data with, and the image does not have."""


@pytest.mark.parametrize(
    ("tune_type", "metrics", "added"),
    [
        ("lora", ["perplexity", "rouge"], {"ft-runtime", "rouge-score"}),
        (
            "qlora",
            ["exact_match", "bleu"],
            {"ft-runtime", "sacrebleu", "bitsandbytes", "portalocker", "colorama"},
        ),
    ],
)
def test_an_unedited_notebook_trains_and_nothing_moves(
    colab: Path,
    tmp_path: Path,
    tiny_causal_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    tune_type: str,
    metrics: list[str],
    added: set[str],
):
    folder = tmp_path / "content"
    folder.mkdir()
    config = tiny_config(tiny_causal_dir, folder, tune_type, metrics=metrics)
    before = installed(colab)
    notebook = execute(build_notebook(config), folder, colab, monkeypatch)
    after = installed(colab)
    assert {name: after[name] for name in before} == before, "what was there did not move"
    new = {name: version for name, version in after.items() if name not in before}
    assert {name.replace("_", "-") for name in new} == added | set(READERS)
    for name, version in new.items():
        assert version == PINS.get(name.replace("_", "-"), version)
    assert json.loads((folder / "run/manifest.json").read_text())["status"] == "finished"
    assert "No restart is needed" in printed(notebook, "install-packages")
    again = build_notebook(config)
    again.cells = [cell for cell in again.cells if cell.id.startswith("install")]
    second = execute(again, folder, colab, monkeypatch)
    assert "nothing was installed" in printed(second, "install-packages")
    assert installed(colab) == after


def test_the_wheel_beside_the_notebook_is_enough(
    colab: Path, tmp_path: Path, tiny_causal_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "content"
    folder.mkdir()
    config = tiny_config(tiny_causal_dir, folder, "lora", metrics=["exact_match"])
    build_bundle(config, runtime="wheel").write(folder)
    notebook = nbformat.read(folder / "fine_tune.ipynb", as_version=4)
    notebook.cells = notebook.cells[: [c.id for c in notebook.cells].index("check-config") + 1]
    subprocess.run([colab, "-m", "pip", "install", "--quiet", "-c", IMAGE, *READERS], check=True)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    executed = execute(notebook, folder, colab, monkeypatch)
    assert runtime_wheel().name in printed(executed, "install-packages")
    assert installed(colab)["ft-runtime"] == runtime_wheel().version


def test_the_magic_works_there(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    body = "model_id: owner/model\ndataset: {path: rows.jsonl, format: jsonl_prompt}\n"
    cells = [
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nimport IPython, ipywidgets\n"
        "print(IPython.__version__, ipywidgets.__version__)",
        "%load_ext jupyter_ft",
        f"%%ft_generate -o out\n{body}",
        "%%ft_generate -o bad\nmodel: x\n",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.cells[-1].metadata.tags = ["raises-exception"]
    execute(notebook, tmp_path, image / "bin/python", monkeypatch)
    assert notebook.cells[0].outputs[0].text == "7.34.0 7.7.1\n"
    expected = build_bundle(make_config()).files
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == expected
    links = [o for o in notebook.cells[2].outputs if "text/html" in o.get("data", {})]
    assert any("fine_tune.ipynb" in link.data["text/html"] for link in links)
    (error,) = notebook.cells[3].outputs
    assert "config.missing" in error.evalue
    assert "Traceback" not in "".join(error.traceback)
    assert not (tmp_path / "bad").exists()


def test_the_wizard_works_there(colab: Path, tmp_path: Path):
    """The tests of wizard and magic, with IPython 7.34 and ipywidgets 7.7 in the place of the newest."""
    before = installed(colab)
    pip = [colab, "-m", "pip", "install", "--quiet", "-c", IMAGE, PYTEST, *READERS]
    subprocess.run(pip, check=True)
    after = installed(colab)
    assert {name: after[name] for name in before} == before
    tests = ROOT / "tests"
    command = [colab, "-m", "pytest", "-c", tests / "colab/image.ini", "--noconftest"]
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'tests'}", tests / "wizard", tests / "magic"],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("PY")},
    )
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 50
