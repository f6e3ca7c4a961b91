"""The whole command, stopped by real signals in a real process, and called again."""

from __future__ import annotations

import json

import pytest

from ft_runtime.runs import checkpoints


def events(place):
    return [json.loads(line) for line in (place.run / "events.jsonl").read_text().splitlines()]


def manifest(place):
    return json.loads((place.run / "manifest.json").read_text())


@pytest.fixture(scope="module")
def whole(place, tmp_path_factory):
    """An uninterrupted run."""
    from ft_runtime.cli import main

    done = place.copy(tmp_path_factory.mktemp("whole") / "place")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(done.folder)
        assert main(["run", "config.yaml"]) == 0
    return done


@pytest.fixture(scope="module")
def killed(place, tmp_path_factory):
    """A run that got SIGKILL inside its 13th step."""
    found = place.copy(tmp_path_factory.mktemp("killed") / "place")
    found.drive("kill", 13, -9)
    return found


def test_an_uninterrupted_run_leaves_the_folder_of_the_contract(whole):
    names = {path.name for path in whole.run.iterdir() if not path.name.startswith(".")}
    assert names == {
        "config.yaml", "manifest.json", "events.jsonl", "metrics.jsonl", "ledger.csv", "report.json",
        "README.md", "checkpoints", "adapter", "datasets.json", "datasets.npz",
    }  # fmt: skip
    kinds = [line["event"] for line in events(whole)]
    assert kinds[0] == "started"
    assert kinds[-1] == "ended"
    assert kinds.count("epoch") == 2
    assert kinds.count("checkpoint") == 4
    assert manifest(whole)["status"] == "finished"
    assert manifest(whole)["training"]["steps"] == 20


def test_after_sigkill_the_same_command_ends_with_the_same_weights(
    whole, killed, tmp_path, command, capsys
):
    assert checkpoints.newest(killed.run / "checkpoints")[0].step == 10
    assert manifest(killed)["status"] == "running"
    place = killed.copy(tmp_path / "place")
    assert command(place, "run", "config.yaml") == 0
    assert place.weights() == whole.weights()
    assert "checkpoint of step 10" in capsys.readouterr().err
    told = [line["resumed_from"] for line in events(place) if line["event"] == "started"]
    assert told == [None, "checkpoint-10"]
    steps = [
        json.loads(line)["step"] for line in (place.run / "metrics.jsonl").read_text().splitlines()
    ]
    assert steps == sorted(steps)
    curve = [
        [{k: v for k, v in json.loads(line).items() if k != "time"} for line in text.splitlines()]
        for text in ((p.run / "metrics.jsonl").read_text() for p in (whole, place))
    ]
    assert curve[0] == curve[1]
    assert (place.run / "report.json").read_text() == (whole.run / "report.json").read_text()


def test_sigkill_while_a_checkpoint_is_written(whole, place, tmp_path, command, capsys):
    stopped = place.copy(tmp_path / "place")
    stopped.drive("write", 15, -9)
    found, rejected = checkpoints.newest(stopped.run / "checkpoints")
    assert found.step == 10
    assert [item.step for item in rejected] == [15]
    assert command(stopped, "run", "config.yaml") == 0
    assert "checkpoint-15" in capsys.readouterr().err
    assert stopped.weights() == whole.weights()
    assert checkpoints.verify(stopped.run / "checkpoints" / "checkpoint-15", 15).verified


@pytest.mark.parametrize("how", ["term", "int"])
def test_a_signal_pauses_with_exit_code_75(whole, place, tmp_path, command, how):
    stopped = place.copy(tmp_path / "place")
    done = stopped.drive(how, 7, 75)
    assert "step 7 of 20" in done.stderr
    assert "Training paused: 7 of 20 steps" in done.stdout
    assert "Traceback" not in done.stderr
    assert manifest(stopped)["status"] == "paused"
    last = events(stopped)[-1]
    assert (last["event"], last["status"], last["step"]) == ("ended", "paused", 7)
    assert checkpoints.newest(stopped.run / "checkpoints")[0].step == 7
    assert not (stopped.run / "adapter").exists()
    assert command(stopped, "run", "config.yaml") == 0
    assert stopped.weights() == whole.weights()


def test_files_that_cannot_be_written_whole(place, tmp_path):
    """A limit on file size cuts the optimizer's file as a full disk does."""
    stopped = place.copy(tmp_path / "place")
    # Between the sizes of the adapter (280 kB) and of its optimizer state (560 kB).
    done = stopped.drive("full", 400, 1, "--set", "lora.r=16")
    assert "training.checkpoint_failed" in done.stderr or "training.disk_full" in done.stderr
    assert "Traceback" not in done.stderr
    assert manifest(stopped)["status"] == "failed"
    assert checkpoints.folders(stopped.run / "checkpoints") == []


def test_a_changed_config_is_refused_by_name(killed, tmp_path, command, capsys):
    place = killed.copy(tmp_path / "place")
    assert (
        command(
            place,
            "run",
            "config.yaml",
            "--set",
            "hyperparams.learning_rate=0.5",
            "--set",
            "lora.r=8",
        )
        == 1
    )
    told = capsys.readouterr().err
    assert "hyperparams.learning_rate" in told
    assert "lora.r" in told
    assert "--fresh" in told
    assert command(place, "run", "config.yaml", "--set", "eval.max_rows=3") == 0


def test_changed_data_is_refused_by_name(killed, tmp_path, command, capsys):
    place = killed.copy(tmp_path / "place")
    rows = place.data.read_text().splitlines()
    rows[3] = rows[3].replace("Answer", "Reply")
    place.data.write_text("\n".join(rows) + "\n")
    assert command(place, "run", "config.yaml") == 1
    told = capsys.readouterr().err
    assert "run.data_changed" in told
    assert "data.jsonl" in told
    assert manifest(place)["status"] == "failed"


def test_a_changed_model_is_refused_by_name(killed, tmp_path, command, capsys):
    place = killed.copy(tmp_path / "place")
    weights = place.model / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    assert command(place, "run", "config.yaml") == 1
    told = capsys.readouterr().err
    assert "run.model_changed" in told
    assert "model.safetensors" in told


def test_fresh_begins_anew_and_keeps_the_old_run(killed, whole, tmp_path, command):
    place = killed.copy(tmp_path / "place")
    assert command(place, "run", "config.yaml", "--fresh") == 0
    assert place.weights() == whole.weights()
    assert (place.folder / "run.previous-1" / "checkpoints" / "checkpoint-10").is_dir()
    assert [line["resumed_from"] for line in events(place) if line["event"] == "started"] == [None]


def test_a_finished_run_is_moved_aside_and_run_again(whole, tmp_path, command):
    place = whole.copy(tmp_path / "place")
    before = (place.run / "report.json").read_text()
    assert command(place, "run", "config.yaml") == 0
    assert (place.folder / "run.previous-1" / "report.json").read_text() == before
    assert place.weights() == whole.weights()


def test_a_failed_evaluation_costs_no_training(
    whole, place, tmp_path, command, monkeypatch, capsys
):
    import ft_runtime

    stopped = place.copy(tmp_path / "place")

    def failing(*args):
        raise RuntimeError("no metrics today")

    with monkeypatch.context() as patch:
        patch.setattr(ft_runtime, "evaluate", failing)
        assert command(stopped, "run", "config.yaml") == 70
    told = capsys.readouterr().err
    assert "no metrics today" in told
    assert "please report" in told
    assert manifest(stopped)["status"] == "failed"
    assert command(stopped, "run", "config.yaml") == 0
    assert "already trained" in capsys.readouterr().err
    assert stopped.weights() == whole.weights()
    assert manifest(stopped)["training"]["tokens"] == manifest(whole)["training"]["tokens"]


def test_without_checkpoints_a_failed_evaluation_still_saves_the_model(
    whole, place, tmp_path, command, monkeypatch
):
    import ft_runtime

    stopped = place.copy(tmp_path / "place")
    stopped.change(artifacts={"save_strategy": "no"})

    def failing(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ft_runtime, "evaluate", failing)
        assert command(stopped, "run", "config.yaml") == 75
    assert stopped.weights() == whole.weights()
    assert manifest(stopped)["status"] == "interrupted"
