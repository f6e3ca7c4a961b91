"""The command line: what it prints, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ft_runtime.cli import main


def test_a_good_config_with_good_data_is_in_order(place, command, capsys):
    assert command(place, "check", "config.yaml") == 0
    assert capsys.readouterr().out.startswith("In order: no errors")
    assert command(place, "check", "config.yaml", "--tokens", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert not place.run.exists()


def test_all_errors_of_config_come_at_once(place, command, capsys):
    code = command(
        place, "check", "config.yaml", "--json", "--set", "tune_type=loro", "--set", "seed=-1",
        "--set", "hyperparams.learning_rat=1",
    )  # fmt: skip
    assert code == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert {"tune_type", "seed"} <= {item["where"] for item in document["findings"]}
    assert len(document["findings"]) >= 3
    assert set(document["findings"][0]) == {"code", "severity", "where", "message", "hint"}


def test_errors_of_the_data_are_found_too(place, command, tmp_path, capsys):
    broken = place.copy(tmp_path / "place")
    broken.data.write_text("no json\n" * 3)
    assert command(broken, "check", "config.yaml") == 1
    out = capsys.readouterr()
    assert "Not in order" in out.out
    assert "data.jsonl" in out.err


def test_rows_that_the_tokenizer_finds_too_long_are_an_error(place, command, capsys):
    arguments = ("check", "config.yaml", "--set", "hyperparams.max_seq_len=8")
    assert command(place, *arguments) == 0
    capsys.readouterr()
    assert command(place, *arguments, "--tokens", "--json") == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert "tokens.too_many_lost" in {item["code"] for item in found}


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_config_that_cannot_be_read_is_a_finding(place, command, capsys, name):
    assert command(place, "run", name) == 1
    assert "config." in capsys.readouterr().err


def test_missing_data_is_a_finding_and_starts_no_training(place, command, tmp_path, capsys):
    bare = place.copy(tmp_path / "place")
    bare.data.unlink()
    assert command(bare, "run", "config.yaml") == 1
    assert "data.jsonl" in capsys.readouterr().err
    assert json.loads((bare.run / "manifest.json").read_text())["status"] == "failed"


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["run"], ["run", "a", "b"], ["check", "--json"]]
)
def test_wrong_usage_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_the_environment_is_shown(capsys):
    assert main(["env"]) == 0
    assert "torch" in capsys.readouterr().out
    assert main(["env", "--json"]) == 0
    assert "torch" in json.dumps(json.loads(capsys.readouterr().out))


def test_help_names_the_commands_and_the_exit_codes():
    command = [sys.executable, "-m", "ft_runtime", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for word in ("run", "check", "env", "smoke", "compile", "75"):
        assert word in done.stdout


def test_a_model_and_a_folder_that_cannot_serve_are_found_before_a_run(
    place, command, tmp_path, capsys
):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("keep me")
    arguments = ["--set", f"artifacts.output_dir={folder}", "--set", "model_id=no/such/folder"]
    assert command(place, "check", "config.yaml", "--json", *arguments) == 1
    codes = [item["code"] for item in json.loads(capsys.readouterr().out)["findings"]]
    assert "run.not_a_run" in codes
    assert command(place, "check", "config.yaml", "--json", *arguments[2:]) == 1
    (item,) = json.loads(capsys.readouterr().out)["findings"]
    assert item["code"].startswith("models.")
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]
