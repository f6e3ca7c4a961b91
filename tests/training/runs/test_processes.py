"""The whole command with two processes, as torchrun starts it."""

from __future__ import annotations

import json

from ft_runtime.runs import checkpoints
from support.torchrun import launch


def test_two_processes_leave_one_run(place, tmp_path):
    """Also at the end of the run: the second process waits for nothing, and writes nothing."""
    two = place.copy(tmp_path / "place")
    two.change(hyperparams={"batch_size_train": 2})
    done = launch("-m", "ft_runtime", "run", "config.yaml", cwd=two.folder)
    assert done.returncode == 0, done.stderr
    for once in ("Prepared data", "Training finished: 20 of 20", "Saved adapter", "Run finished"):
        assert done.stdout.count(once) == 1, done.stdout
    manifest = json.loads((two.run / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["hardware"]["processes"] == 2
    events = [json.loads(line) for line in (two.run / "events.jsonl").read_text().splitlines()]
    kinds = [line["event"] for line in events]
    assert (kinds.count("started"), kinds.count("evaluated"), kinds.count("ended")) == (1, 1, 1)
    assert len((two.run / "ledger.csv").read_text().splitlines()) == 51
    assert checkpoints.newest(two.run / "checkpoints")[0].step == 20
    assert (two.run / "adapter" / "SHA256SUMS").is_file()


def test_what_is_wrong_for_both_is_told_once(place, tmp_path):
    two = place.copy(tmp_path / "place")
    two.data.unlink()
    done = launch("-m", "ft_runtime", "run", "config.yaml", cwd=two.folder)
    assert done.returncode == 1
    assert done.stderr.count("error [data.") == 1, done.stderr
    assert json.loads((two.run / "manifest.json").read_text())["status"] == "failed"
