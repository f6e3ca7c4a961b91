"""``jupyter ft``: what each command writes, prints and returns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jupyter_ft.builder import build_bundle
from jupyter_ft.cli import main
from support.configs import make_config

CONFIG = "model_id: owner/model\ndataset: {path: rows.jsonl, format: jsonl_prompt}\n"
ROWS = "".join(json.dumps({"prompt": f"p {n}", "completion": f"c {n}"}) + "\n" for n in range(20))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sql.yaml").write_text(CONFIG)
    return tmp_path


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_generate_writes_the_files(here: Path, capsys: Any):
    assert main(["generate", "sql.yaml"]) == 0
    assert written(here / "sql-notebook") == build_bundle(make_config()).files
    assert "sql-notebook/fine_tune.ipynb" in capsys.readouterr().out


def test_generate_takes_folder_fields_and_runtime(here: Path):
    arguments = ["generate", "sql.yaml", "-o", "a/b", "--set", "seed=7", "--runtime", "index"]
    assert main(arguments) == 0
    assert written(here / "a/b") == build_bundle(make_config(seed=7), runtime="index").files


@pytest.mark.parametrize("output", ["a", "a.zip"])
def test_generate_writes_a_zip(here: Path, output: str):
    assert main(["generate", "sql.yaml", "-o", output, "--zip"]) == 0
    archive = zipfile.ZipFile(here / "a.zip")
    files = build_bundle(make_config()).files
    assert {name: archive.read(name) for name in archive.namelist()} == files
    assert not (here / "a").exists()


def test_generate_finds_the_data_from_the_folder_of_the_notebook(here: Path, capsys: Any):
    (here / "rows.jsonl").write_text(ROWS)
    assert main(["generate", "sql.yaml", "-o", "deep/out"]) == 0
    files = build_bundle(make_config(dataset={"path": "../../rows.jsonl"})).files
    assert written(here / "deep/out") == files
    assert "build.path_rewritten" in capsys.readouterr().err


def test_generate_leaves_other_paths_alone(here: Path):
    (here / "model").mkdir()
    (here / "out").mkdir()
    (here / "out/a.jsonl").write_text(ROWS)
    (here / "a.jsonl").write_text(ROWS)
    absolute = str(here / "a.jsonl")
    for path in ("a.jsonl", absolute, "gone.jsonl"):
        assert main(["generate", "sql.yaml", "-o", "out", "--set", f"dataset.path={path}"]) == 0
        assert f"path: {path}\n" in (here / "out/config.yaml").read_text()
    local = ["--set", "provider=hf_local", "--set", "model_id=model"]
    assert main(["generate", "sql.yaml", "-o", "out", *local]) == 0
    assert "model_id: ../model\n" in (here / "out/config.yaml").read_text()


def test_generate_moves_each_file_of_a_split(here: Path):
    for name in ("a.jsonl", "b.jsonl"):
        (here / name).write_text(ROWS)
    split = "dataset.path={train: a.jsonl, val: b.jsonl}"
    assert main(["generate", "sql.yaml", "-o", "out", "--set", split]) == 0
    expected = build_bundle(
        make_config(dataset={"path": {"train": "../a.jsonl", "val": "../b.jsonl"}})
    )
    assert written(here / "out") == expected.files


def test_generate_does_not_overwrite_what_was_edited(here: Path, capsys: Any):
    assert main(["generate", "sql.yaml", "-o", "."]) == 0
    (here / "config.yaml").write_text("mine")
    assert main(["generate", "sql.yaml", "-o", ".", "--set", "seed=7"]) == 1
    assert "build.would_overwrite" in capsys.readouterr().err
    assert (here / "config.yaml").read_text() == "mine"
    assert main(["generate", "sql.yaml", "-o", ".", "--set", "seed=7", "--force"]) == 0
    assert main(["generate", "sql.yaml", "-o", "sql.yaml"]) == 1
    assert (here / "sql.yaml").read_text() == CONFIG


@pytest.mark.parametrize("command", ["generate", "check", "run"])
def test_every_finding_of_a_config_is_printed(here: Path, capsys: Any, command: str):
    (here / "bad.yaml").write_text("model: x\nseed: -1\ntune_type: loro\n")
    before = sorted(here.iterdir())
    assert main([command, "bad.yaml"]) == 1
    err = capsys.readouterr().err
    for place in ("model_id", "seed", "tune_type"):
        assert place in err
    assert sorted(here.iterdir()) == before


def test_an_error_of_ours_has_its_own_exit_code(capsys: Any, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("jupyter_ft.cli.generate.build_bundle", broken)
    assert main(["generate", "sql.yaml"]) == 70
    assert "please report it" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["generate", "check", "run"])
def test_a_missing_file_is_a_finding(capsys: Any, command: str):
    assert main([command, "nowhere.yaml"]) == 1
    assert "config.file_missing" in capsys.readouterr().err


def test_check_reads_the_data_too(here: Path, capsys: Any):
    assert main(["check", "sql.yaml"]) == 1
    assert "rows.jsonl" in capsys.readouterr().err
    (here / "rows.jsonl").write_text(ROWS)
    assert main(["check", "sql.yaml"]) == 0


def test_check_speaks_json(here: Path, capsys: Any):
    (here / "rows.jsonl").write_text(ROWS)
    assert main(["check", "sql.yaml", "--json", "--set", "seed=7"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert main(["check", "--json", "sql.yaml", "--set", "seed=-7"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert [item["where"] for item in document["findings"]] == ["seed"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["generate"],
        ["generate", "a.yaml", "--runtime", "air"],
        ["demo", "--tune-type", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(arguments: list[str]):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_help_names_the_commands(capsys: Any):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert all(command in out for command in ("generate", "check", "run", "demo"))


def test_generate_imports_nothing_heavy(here: Path):
    code = (
        "import sys; from jupyter_ft.cli import main; code = main(['generate', 'sql.yaml']); "
        "heavy = {'torch', 'transformers', 'datasets', 'numpy', 'nbclient', 'IPython'}; "
        "sys.exit(code or sorted(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=here, env=dict(os.environ))
