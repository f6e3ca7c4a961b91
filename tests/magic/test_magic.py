"""``%ft_generate`` and ``%%ft_generate`` in a shell of IPython."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import RichOutput, capture_output
from traitlets.config import Config as Traits

from ft_runtime.findings import FindingsError
from jupyter_ft.builder import build_bundle
from support.configs import make_config
from support.shells import end_shell

BODY = "model_id: owner/model\ndataset: {path: rows.jsonl, format: jsonl_prompt}\n"


class Shell:
    """A shell, and what a cell printed and showed."""

    def __init__(self, folder: Path) -> None:
        traits = Traits()
        traits.HistoryManager.enabled = False
        self.shell = InteractiveShell.instance(config=traits, ipython_dir=str(folder))
        self.out = ""
        self.shown: list[RichOutput] = []

    def run(self, source: str) -> BaseException | None:
        with capture_output() as captured:
            result = self.shell.run_cell(source)
        self.out = captured.stdout + captured.stderr
        self.shown = captured.outputs
        return result.error_before_exec or result.error_in_exec


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    # IPython warns where another environment is active in the terminal.
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    shell = Shell(tmp_path / ".ipython")
    assert shell.run("%load_ext jupyter_ft") is None
    yield shell
    end_shell()


def links(shell: Shell) -> list[str]:
    return [item.data["text/plain"] for item in shell.shown]


def test_the_line_magic_writes_the_files_and_links_to_them(shell: Shell, tmp_path: Path):
    Path("sql.yaml").write_text(BODY)
    assert shell.run("%ft_generate sql.yaml") is None
    folder = tmp_path / "sql-notebook"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == build_bundle(make_config()).files
    assert "owner/model" in shell.out
    assert any(link.endswith("sql-notebook/fine_tune.ipynb") for link in links(shell))


def test_the_cell_magic_takes_its_body(shell: Shell, tmp_path: Path):
    assert shell.run(f"%%ft_generate -o out --set seed=7 --runtime index\n{BODY}") is None
    files = build_bundle(make_config(seed=7), runtime="index").files
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == files


def test_findings_are_shown_without_a_traceback_and_nothing_is_written(
    shell: Shell, tmp_path: Path
):
    error = shell.run("%%ft_generate -o out\nmodel: x\nlora: {r: -1}\n")
    assert isinstance(error, FindingsError)
    assert {item.code for item in error.findings} >= {"config.unknown_key", "config.missing"}
    assert "Traceback" not in shell.out
    assert "model_id" in shell.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("%ft_generate nowhere.yaml", "config.file_missing"),
        ("%%ft_generate\n- 1\n- 2", "config.not_a_mapping"),
        ("%%ft_generate\na: [", "config.syntax"),
        ("%%ft_generate --set x\na: 1", "config.bad_override"),
    ],
)
def test_what_cannot_be_read_is_a_finding(shell: Shell, source: str, code: str):
    error = shell.run(source)
    assert isinstance(error, FindingsError)
    assert [item.code for item in error.findings] == [code]
    assert "Traceback" not in shell.out


def test_without_a_config_the_wizard_is_shown(shell: Shell, tmp_path: Path):
    assert shell.run("%ft_generate --set model_id=owner/model") is None
    (shown,) = shell.shown
    assert "Tab" in shown.data["text/plain"]
    assert not (tmp_path / "ft-notebook").exists()


def test_without_ipywidgets_the_wizard_says_what_to_type(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    error = shell.run("%ft_generate")
    assert isinstance(error, FindingsError)
    assert [item.code for item in error.findings] == ["wizard.no_ipywidgets"]
    assert "Traceback" not in shell.out


@pytest.mark.parametrize("line", ["--nonsense", '"config.yaml'])
def test_a_wrong_line_is_told_without_a_traceback(shell: Shell, line: str):
    assert shell.run(f"%ft_generate {line}") is not None
    assert "UsageError" in shell.out
    assert "Traceback" not in shell.out


def test_names_in_braces_are_left_alone(shell: Shell, tmp_path: Path):
    shell.run("model = 'wrong'")
    Path("{model}.yaml").write_text(BODY)
    assert shell.run("%ft_generate {model}.yaml -o '{model} $model out'") is None
    assert (tmp_path / "{model} $model out/fine_tune.ipynb").is_file()


def test_edited_files_are_not_overwritten_unless_forced(shell: Shell, tmp_path: Path):
    source = f"%%ft_generate -o out\n{BODY}"
    assert shell.run(source) is None
    (tmp_path / "out/config.yaml").write_text("mine")
    error = shell.run(source)
    assert isinstance(error, FindingsError)
    assert "--force" in shell.out
    assert shell.run(source.replace("-o out", "-o out --force")) is None


def test_data_beside_the_notebook_that_generates_is_found_from_the_new_one(
    shell: Shell, tmp_path: Path
):
    Path("rows.jsonl").write_text("")
    assert shell.run(f"%%ft_generate -o out\n{BODY}") is None
    assert "../rows.jsonl" in (tmp_path / "out/config.yaml").read_text()
    assert "../rows.jsonl" in shell.out


def test_in_colab_a_zip_is_offered(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    offered: list[str] = []
    files: Any = ModuleType("google.colab.files")
    files.download = offered.append
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "google.colab.files", files)
    assert shell.run(f"%%ft_generate -o out --no-download\n{BODY}") is None
    assert offered == []
    assert shell.run(f"%%ft_generate -o out\n{BODY}") is None
    assert offered == ["out.zip"]
    assert zipfile.ZipFile(tmp_path / "out.zip").testzip() is None


def test_help_is_there(shell: Shell):
    assert shell.run("%ft_generate?") is None
    assert "findings" in (shell.shell.find_magic("ft_generate").__doc__ or "").lower()
