"""ZeRO 1, 2 and 3 with two processes: the training of one, whole in checkpoints and at its end."""

from __future__ import annotations

import json

import pytest
import torch
import yaml
from safetensors.torch import load_file

from ft_runtime.devices import Device
from ft_runtime.runs import checkpoints
from ft_runtime.samples import write_sample
from ft_runtime.training import train
from support import toy_training, zero
from support.places import Place
from support.together import new_process
from support.toy_training import build, toy_config, toy_data

STAGES = (1, 2, 3)
# The first test installs DeepSpeed, and tells all the stories.
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def folder(launch, tmp_path_factory):
    """All the stories, told by two processes."""
    place = tmp_path_factory.mktemp("stories")
    done = launch(2, zero.__file__, place)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return place


def seen(folder, stage, story):
    place = folder / f"zero{stage}"
    return [json.loads((place / f"{story}.{rank}.json").read_text()) for rank in (0, 1)]


def alone(folder, *overrides, rows=20, **options):
    """Train in this one process, with the rows of two in each step."""
    new_process()
    torch.set_num_threads(1)
    trainer, run = build(toy_config(folder, *overrides), toy_data(train=rows), **options)
    return trainer, train(trainer, run)


def logged(trainer, name):
    return [line[name] for line in trainer.state.log_history if name in line]


def logits(model):
    with torch.no_grad():
        return model.eval()(input_ids=torch.arange(1, 9).unsqueeze(0)).logits[0]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """The trainings of one process, each of them once."""
    known = {}

    def of(story):
        if story not in known:
            overrides, options = zero.SAME[story]
            place = tmp_path_factory.mktemp("one")
            trainer, result = alone(place, *overrides, dropout=0.0, **options)
            trainer.model.save_pretrained(place / "saved")
            known[story] = trainer, result, place
        return known[story]

    return of


@pytest.mark.parametrize(
    ("stage", "story"), [(stage, story) for stage in STAGES for story in zero.TOLD[stage]]
)
def test_it_is_the_training_of_one_process(folder, one, stage, story):
    """Losses, norms of gradients, counts, and the weights that come out, in their own names."""
    trainer, result, alone_in = one(story)
    first, second = seen(folder, stage, story)
    for name in ("loss", "grad_norm", "eval_loss"):
        got = first["logged"][name]
        assert got == second["logged"][name]
        assert got == pytest.approx(logged(trainer, name), rel=1e-4)
    assert first["tokens"] == result.tokens
    assert first["tensors"] == [result.trainable_tensors, result.changed_tensors]
    # The weights are divided in stage 3 alone, and nobody uses a part alone.
    assert set(first["shares"]) == set(second["shares"]) == {0.5 if stage == 3 else 1.0}
    assert first["refused"] == ("training.fsdp_in_pieces" if stage == 3 else "")
    assert first["same_object"]
    assert first["class"] == type(trainer.model).__name__
    torch.testing.assert_close(
        torch.tensor(first["logits"]), logits(trainer.model), rtol=0, atol=1e-4
    )
    name = "adapter_model" if (alone_in / "saved" / "adapter_config.json").exists() else "model"
    expected = load_file(alone_in / "saved" / f"{name}.safetensors")
    got = load_file(folder / f"zero{stage}" / story / "saved" / f"{name}.safetensors")
    assert got.keys() == expected.keys()
    for key, tensor in expected.items():
        torch.testing.assert_close(got[key], tensor, rtol=0, atol=1e-4)


def test_a_norm_that_is_clipped_is_told_as_it_was(folder):
    first, _ = seen(folder, 3, "clipped")
    assert min(first["logged"]["grad_norm"]) > zero.CLIP


def test_bf16_is_that_of_one_process_within_its_rounding(folder, tmp_path, monkeypatch):
    device = Device(type="cpu", name="test CPU", precision="bf16", reason="")
    monkeypatch.setattr(toy_training, "CPU", device)
    trainer, _ = alone(tmp_path / "one", dropout=0.0)
    for stage in STAGES:
        first, _ = seen(folder, stage, "half")
        assert first["logged"]["loss"] == pytest.approx(logged(trainer, "loss"), rel=1e-3)
        assert first["logged"]["eval_loss"] == pytest.approx(logged(trainer, "eval_loss"), rel=1e-3)
        # Not those of float32, to which they would be equal if nobody computed in bf16.
        assert first["logged"]["loss"] != seen(folder, stage, "lora")[0]["logged"]["loss"]


@pytest.mark.parametrize("stage", [2, 3])
def test_a_checkpoint_holds_whole_weights_that_anyone_can_load(folder, stage):
    found, rejected = checkpoints.newest(folder / f"zero{stage}" / "tied" / "checkpoints")
    assert (found.step, rejected) == (20, [])
    last = load_file(folder / f"zero{stage}" / "tied" / "saved" / "model.safetensors")
    kept = load_file(found.path / "model.safetensors")
    assert kept.keys() == last.keys()
    assert all(torch.equal(kept[key], last[key]) for key in last)


@pytest.mark.parametrize("stage", STAGES)
def test_a_signal_to_one_process_pauses_all_and_resuming_is_exact(folder, stage):
    assert seen(folder, stage, "paused") == [{"status": "paused", "step": 7}] * 2
    resumed = seen(folder, stage, "resumed")
    assert [part["resumed_from"] for part in resumed] == [7, 7]
    assert resumed[0]["digest"] == seen(folder, stage, "whole")[0]["digest"]
    assert resumed[0]["tokens"] == seen(folder, stage, "whole")[0]["tokens"]


def test_all_weights_with_tied_ones_go_on_exactly(folder):
    assert seen(folder, 3, "tied_paused") == [{"status": "paused", "step": 7}] * 2
    assert [part["resumed_from"] for part in seen(folder, 3, "tied_resumed")] == [7, 7]
    first, _ = seen(folder, 3, "tied_resumed")
    assert first["digest"] == seen(folder, 3, "tied")[0]["digest"]


def test_a_run_that_is_complete_is_loaded_whole(folder):
    first, second = seen(folder, 3, "complete")
    expected, _ = seen(folder, 3, "whole")
    assert first["digest"] == expected["digest"]
    assert first["logits"] == expected["logits"]
    assert first["tensors"] == second["tensors"] == [expected["tensors"][0], None]


@pytest.mark.parametrize("stage", STAGES)
def test_a_loss_that_is_no_number_stops_all_before_it_reaches_the_weights(folder, stage):
    first, second = seen(folder, stage, "nan")
    assert first == second
    codes = {(item["code"], item["where"]) for item in first["findings"]}
    assert codes == {("training.loss_not_finite", "step 8")}
    assert (folder / f"zero{stage}" / "nan.finite").read_text() == "True"


def test_a_full_disk_stops_all_and_the_run_goes_on(folder):
    first, second = seen(folder, 3, "disk")
    assert first == second
    assert first["findings"][0]["code"] == "training.disk_full"
    resumed = seen(folder, 3, "disk_resumed")
    assert [part["resumed_from"] for part in resumed] == [5, 5]
    assert resumed[0]["digest"] == seen(folder, 3, "whole")[0]["digest"]


def test_another_stage_does_not_go_on_from_it(folder):
    first, second = seen(folder, 3, "other_stage")
    assert first == second
    (item,) = first["findings"]
    assert (item["code"], item["where"]) == ("run.arguments_changed", "sharded")


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_the_whole_command_leaves_a_whole_run(launch, tmp_path, tiny_causal_dir, kind):
    place = Place.make(tmp_path / "place", tiny_causal_dir)
    place.change(hyperparams={"batch_size_train": 2})
    if kind == "full":
        document = yaml.safe_load(place.config.read_text())
        del document["lora"]
        place.config.write_text(yaml.safe_dump({**document, "tune_type": "full"}))
    else:
        place.change(artifacts={"merge": True})
    done = launch(3, "-m", "ft_runtime", "run", "config.yaml", cwd=place.folder)
    assert done.returncode == 0, done.stderr
    for once in ("Training finished: 20 of 20", "Run finished"):
        assert done.stdout.count(once) == 1, done.stdout
    manifest = json.loads((place.run / "manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["pinned"]["arguments"]["sharded"] == "zero3"
    # What was loaded back from the saved folder says what the trained model said in memory.
    assert manifest["saved"]["check"]["passed"] is True
    report = json.loads((place.run / "report.json").read_text())
    assert report["metrics"][0]["tuned"] < report["metrics"][0]["base"]
    if kind == "lora":
        assert (place.run / "merged" / "model.safetensors").is_file()


def test_what_is_not_proven_is_told_by_the_command(launch, tmp_path, tiny_causal_dir):
    place = Place.make(tmp_path / "place", tiny_causal_dir)
    place.change(hyperparams={"optimizer": "adafactor"})
    write_sample("jsonl_prompt", place.data, n=50)
    done = launch(0, "-m", "ft_runtime", "run", "config.yaml", cwd=place.folder)
    assert done.returncode != 0
    for code in ("training.deepspeed_stage", "training.deepspeed_optimizer"):
        assert done.stderr.count(f"error [{code}]") == 1, done.stderr
