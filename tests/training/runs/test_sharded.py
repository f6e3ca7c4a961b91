"""The whole command with weights spread over two processes: evaluated and saved whole by one."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from ft_runtime.samples import write_sample
from support import sharded
from support.tiny import shared_tiny_model
from support.torchrun import launch


def make_classifier(two):
    shutil.rmtree(two.model)
    shutil.copytree(shared_tiny_model("encoder"), two.model)
    write_sample("csv_classification", two.folder / "data.csv", n=50)
    two.change(
        dataset={"path": "data.csv", "format": "csv_classification"}, eval={"metrics": ["accuracy"]}
    )


@pytest.mark.parametrize("kind", ["lora", "full", "classifier"])
def test_spread_weights_leave_a_whole_run(place, tmp_path, kind):
    two = place.copy(tmp_path / "place")
    two.change(hyperparams={"batch_size_train": 2})
    if kind == "full":
        document = yaml.safe_load(two.config.read_text())
        del document["lora"]
        two.config.write_text(yaml.safe_dump({**document, "tune_type": "full"}))
    elif kind == "classifier":
        make_classifier(two)
    else:
        two.change(artifacts={"merge": True})
    done = launch(sharded.__file__, "run", "config.yaml", cwd=two.folder)
    assert done.returncode == 0, done.stderr
    for once in ("Training finished: 20 of 20", "Run finished"):
        assert done.stdout.count(once) == 1, done.stdout
    manifest = json.loads((two.run / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["pinned"]["arguments"]["sharded"] == "fsdp2"
    # What was loaded back from the saved folder says what the trained model said in memory.
    assert manifest["saved"]["check"]["passed"] is True
    report = json.loads((two.run / "report.json").read_text())
    assert report["metrics"]
    if kind != "classifier":
        assert report["metrics"][0]["tuned"] < report["metrics"][0]["base"]
    if kind == "lora":
        assert (two.run / "merged" / "model.safetensors").is_file()
