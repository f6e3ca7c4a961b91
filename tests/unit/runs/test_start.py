"""What start_run does with whatever it finds in the folder."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ft_runtime.config import load_config
from ft_runtime.devices import Device
from ft_runtime.findings import FindingsError
from ft_runtime.runs import check_folder, start_run

CPU = Device(type="cpu", name="some CPU", precision="none", reason="")


def codes(error: pytest.ExceptionInfo[FindingsError]) -> list[str]:
    return [item.code for item in error.value.findings]


def events(run) -> list[dict]:
    return [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]


def snapshot(folder) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.name != ".lock"
    }


def test_a_new_folder_gets_config_and_manifest(make_config):
    config = make_config("seed=7")
    run = start_run(config, CPU)
    assert not run.resuming
    assert load_config(run.path / "config.yaml").to_dict() == config.to_dict()
    manifest = json.loads((run.path / "manifest.json").read_text())
    assert manifest["status"] == "running"
    assert manifest["seeds"] == {"seed": 7}
    assert manifest["hardware"]["device"]["name"] == "some CPU"
    assert manifest["versions"]["python"].count(".") == 2
    assert "transformers" in manifest["versions"]
    assert events(run)[0]["event"] == "started"


def test_an_empty_folder_is_used(make_config, tmp_path):
    (tmp_path / "run").mkdir()
    assert start_run(make_config()).path == tmp_path / "run"


def test_a_path_that_cannot_even_be_looked_at_is_told(make_config):
    with pytest.raises(FindingsError) as error:
        start_run(make_config(f"artifacts.output_dir={'a' * 300}"))
    assert codes(error) == ["run.cannot_write"]


def test_a_name_that_no_folder_can_have_is_told(make_config):
    for look in (start_run, check_folder):
        with pytest.raises(FindingsError) as error:
            look(make_config('artifacts.output_dir="a\\0b"'))
        assert codes(error) == ["run.cannot_write"]


def test_a_folder_with_other_files_is_refused_and_untouched(make_config, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("precious")
    for fresh in (False, True):
        with pytest.raises(FindingsError) as error:
            start_run(make_config(), fresh=fresh)
        assert codes(error) == ["run.not_a_run"]
        assert "thesis.tex" in str(error.value)
    assert [item.name for item in (tmp_path / "run").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "another tool"}'])
def test_somebody_elses_manifest_is_refused(make_config, tmp_path, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text(content)
    with pytest.raises(FindingsError) as error:
        start_run(make_config())
    assert codes(error) == ["run.not_a_run"]
    assert (tmp_path / "run" / "manifest.json").read_text() == content


def test_a_file_in_place_of_the_folder_is_refused(make_config, tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(FindingsError) as error:
        start_run(make_config())
    assert codes(error) == ["run.not_a_folder"]


def test_a_parent_that_is_a_file_is_told(make_config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FindingsError) as error:
        start_run(make_config(f"artifacts.output_dir={tmp_path / 'file' / 'run'}"))
    assert codes(error) == ["run.cannot_write"]


def test_a_run_killed_before_its_manifest_is_begun_again(make_config, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / ".lock").write_text("")
    (folder / ".manifest.json.x1y2").write_text("{")
    assert start_run(make_config()).status == "running"


def test_a_finished_run_is_moved_aside_whole(make_config, tmp_path, new_process, capsys):
    run = start_run(make_config())
    for number in (1, 2):
        (run.path / "adapter").mkdir()
        (run.path / "adapter" / "weights").write_text(f"run {number}")
        run.end("finished")
        before = snapshot(run.path)
        new_process()
        run = start_run(make_config())
        assert not run.resuming
        assert snapshot(tmp_path / f"run.previous-{number}") == before
        assert not (run.path / "adapter").exists()
        assert f"run.previous-{number}" in capsys.readouterr().err
        assert "run.moved_aside" in [line.get("code") for line in events(run)]


def test_an_unfinished_run_without_checkpoint_is_reused_in_place(
    make_config, tmp_path, new_process
):
    run = start_run(make_config())
    run.pin("data", {"sha256": "old"})
    run.metric({"step": 1, "loss": 2.0})
    new_process()
    run = start_run(make_config("seed=8"))
    assert not run.resuming
    assert run.manifest["pinned"] == {}
    assert not (run.path / "metrics.jsonl").exists()
    assert [line["event"] for line in events(run)] == ["started", "started", "info"]
    assert load_config(run.path / "config.yaml").seed == 8
    assert list(tmp_path.glob("run.previous-*")) == []


def test_an_unfinished_run_goes_on_from_its_checkpoint(make_config, make_checkpoint, new_process):
    run = start_run(make_config(), CPU)
    run.pin("data", {"sha256": "abc"})
    created = run.manifest["created"]
    make_checkpoint(run.checkpoints, 20)
    new_process()
    run = start_run(make_config(), CPU)
    assert run.resuming
    assert run.checkpoint is not None
    assert run.checkpoint.step == 20
    assert run.manifest["created"] == created
    assert run.manifest["pinned"] == {"data": {"sha256": "abc"}}
    assert [entry["step"] for entry in run.manifest["resumed"]] == [20]
    assert [line["resumed_from"] for line in events(run) if line["event"] == "started"] == [
        None,
        "checkpoint-20",
    ]


def test_unverified_checkpoints_are_told_by_name_and_left(
    make_config, make_checkpoint, new_process, capsys
):
    run = start_run(make_config())
    make_checkpoint(run.checkpoints, 10)
    (make_checkpoint(run.checkpoints, 20) / "rng_state.pth").unlink()
    make_checkpoint(run.checkpoints, 30, sealed=False)
    new_process()
    before = snapshot(run.checkpoints)
    run = start_run(make_config())
    assert run.checkpoint is not None
    assert run.checkpoint.step == 10
    assert snapshot(run.checkpoints) == before
    warned = [line for line in events(run) if line["event"] == "warning"]
    assert [line["where"].rsplit("-", 1)[1] for line in warned] == ["30", "20"]
    assert "rng_state.pth" in capsys.readouterr().err


def test_a_changed_config_is_refused_naming_every_difference(
    make_config, make_checkpoint, new_process
):
    run = start_run(make_config())
    make_checkpoint(run.checkpoints, 20)
    new_process()
    before = snapshot(run.path)
    with pytest.raises(FindingsError) as error:
        start_run(make_config("seed=1", "hyperparams.learning_rate=0.5", "lora.r=3"))
    assert set(codes(error)) == {"run.config_changed"}
    found = {item.where: item for item in error.value.findings}
    assert set(found) == {"seed", "hyperparams.learning_rate", "lora.r"}
    assert "0.0002" in found["hyperparams.learning_rate"].message
    assert "0.5" in found["hyperparams.learning_rate"].message
    assert "--fresh" in found["seed"].hint
    assert snapshot(run.path) == before
    # The refusal lets go of the folder.
    assert start_run(make_config()).resuming


def test_fields_that_do_not_shape_the_weights_may_differ(make_config, make_checkpoint, new_process):
    run = start_run(make_config())
    make_checkpoint(run.checkpoints, 20)
    new_process()
    changed = make_config(
        "eval.max_rows=3", "logs=none", "artifacts.merge=true", "artifacts.save_total_limit=5",
        "hyperparams.batch_size_eval=1", "dataset.max_lost_fraction=0.5", "hw.device=cpu",
    )  # fmt: skip
    assert start_run(changed).resuming
    assert load_config(run.path / "config.yaml").to_dict() == changed.to_dict()


def test_validation_rows_shape_the_weights_of_a_schedule_that_watches_them(
    make_config, make_checkpoint, new_process
):
    watching = "hyperparams.lr_scheduler=reduce_lr_on_plateau"
    run = start_run(make_config(watching))
    make_checkpoint(run.checkpoints, 20)
    new_process()
    with pytest.raises(FindingsError) as error:
        start_run(make_config(watching, "eval.max_rows=3"))
    assert [item.where for item in error.value.findings] == ["eval.max_rows"]


def test_fresh_moves_an_unfinished_run_aside(make_config, make_checkpoint, new_process, tmp_path):
    run = start_run(make_config())
    make_checkpoint(run.checkpoints, 20)
    new_process()
    run = start_run(make_config("seed=1"), fresh=True)
    assert not run.resuming
    assert (tmp_path / "run.previous-1" / "checkpoints" / "checkpoint-20").is_dir()


def test_other_versions_and_hardware_are_a_warning(
    make_config, make_checkpoint, new_process, capsys
):
    run = start_run(make_config(), CPU)
    make_checkpoint(run.checkpoints, 20)
    run.update(versions={**run.manifest["versions"], "torch": "1.0"})
    new_process()
    gpu = Device(type="cuda", name="some GPU", precision="bf16", reason="")
    run = start_run(make_config(), gpu)
    assert run.resuming
    told = capsys.readouterr().err
    assert 'torch "1.0" →' in told
    assert '"some CPU" → "some GPU"' in told


def test_the_same_process_takes_the_folder_over_from_itself(make_config):
    first = start_run(make_config())
    second = start_run(make_config())
    assert second is not first
    assert second.path == first.path


def test_two_processes_cannot_share_a_folder(make_config, tmp_path):
    run = start_run(make_config())
    code = (
        "import sys; from ft_runtime.config import load_config; from ft_runtime.runs import start_run\n"
        "from ft_runtime.findings import FindingsError\n"
        "try: start_run(load_config(sys.argv[1]))\n"
        "except FindingsError as error: print([item.code for item in error.findings])\n"
    )
    command = [sys.executable, "-c", code, str(run.path / "config.yaml")]
    before = snapshot(run.path)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['run.locked']"
    assert snapshot(run.path) == before
    run.close()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""


@pytest.mark.parametrize("where", ["~no-such-user/out", "~/out"])
def test_a_home_that_nobody_has_is_a_folder_of_that_name(make_config, monkeypatch, tmp_path, where):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    check_folder(make_config(f"artifacts.output_dir={where}"))
    assert not list(tmp_path.iterdir())
