"""Memory that runs out in the middle of a training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ft_runtime.findings import FindingsError
from ft_runtime.runs import checkpoints, start
from ft_runtime.training import train
from support import limited
from support.toy_training import build, toy_config, toy_data, weights_digest

TESTS = Path(__file__).resolve().parents[2]


def new_process():
    for run in start._open.values():
        run.close()
    start._open.clear()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def run_out(trainer, step, times=1, after=True):
    """Let a step end without memory: after it has used random numbers, or in the optimizer."""
    compute, left = trainer.training_step, [times]

    def failing(model, inputs, *args, **kwargs):
        loss = compute(model, inputs, *args, **kwargs)
        if trainer.state.global_step + 1 == step and left[0]:
            left[0] -= 1
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return loss

    trainer.training_step = failing


# In the middle of an epoch, in the first step of the second one, and in the last step of all.
@pytest.mark.parametrize("step", [7, 11, 20])
@pytest.mark.parametrize("options", [(), ("hyperparams.gradient_accumulation=2",)])
def test_nothing_is_lost_and_resuming_is_exact(tmp_path, step, options):
    if options:
        step = -(-step // 2)
    whole, run = build(toy_config(tmp_path / "whole", *options))
    train(whole, run)
    trainer, run = build(toy_config(tmp_path / "run", *options))
    run_out(trainer, step)
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    first, *ways = raised.value.findings
    assert (first.code, first.where) == ("training.out_of_memory", f"step {step}")
    assert f"checkpoint of step {step - 1} was written" in first.message
    assert [way.code for way in ways][:2] == ["fit.tokens", "fit.checkpointing"]
    assert run.status == "failed"
    found = checkpoints.newest(run.checkpoints)[0]
    assert found.step == step - 1
    new_process()
    again, run = build(toy_config(tmp_path / "run", *options))
    result = train(again, run)
    assert result.resumed_from == step - 1
    assert result.tokens == 2 * sum(map(len, toy_data().train["input_ids"]))
    assert weights_digest(again.model) == weights_digest(whole.model)
    steps = [line["step"] for line in lines(run.path / "metrics.jsonl") if "loss" in line]
    assert steps == sorted(set(steps))


def test_auto_goes_on_by_itself_with_less(tmp_path, capsys):
    options = ("tune_type=full", "hyperparams.batch_size_train=4")
    whole, run = build(toy_config(tmp_path / "whole", *options), dropout=0.0)
    train(whole, run)
    expected = [line["loss"] for line in whole.state.log_history if "loss" in line]
    config = toy_config(tmp_path / "run", *options, "hyperparams.make_it_fit=auto")
    trainer, run = build(config, dropout=0.0)
    run_out(trainer, 4, times=2)
    result = train(trainer, run)
    assert result.status == "finished"
    assert result.steps == 10
    found = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert found == pytest.approx(expected, rel=1e-4)
    assert capsys.readouterr().err.count("fit.taken") == 2
    steps = [line["step"] for line in lines(run.path / "metrics.jsonl") if "loss" in line]
    assert steps == list(range(1, 11))
    assert result.tokens == 2 * sum(map(len, toy_data().train["input_ids"]))


def test_in_the_first_step_auto_begins_again(tmp_path):
    config = toy_config(tmp_path / "run", "hyperparams.make_it_fit=auto")
    trainer, run = build(config)
    run_out(trainer, 1)
    assert train(trainer, run).steps == 20


def test_half_a_step_of_the_optimizer_is_never_saved(tmp_path, monkeypatch):
    trainer, run = build(toy_config(tmp_path / "run"))
    create = trainer.create_optimizer

    def failing(*args, **kwargs):
        made = create(*args, **kwargs)
        step = trainer.optimizer.step

        def no_room(*args, **kwargs):
            if trainer.state.global_step == 7:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return step(*args, **kwargs)

        monkeypatch.setattr(trainer.optimizer, "step", no_room)
        return made

    monkeypatch.setattr(trainer, "create_optimizer", failing)
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    assert raised.value.findings[0].code == "training.out_of_memory"
    assert "earlier ones are intact" in raised.value.findings[0].message
    assert [step for step, _ in checkpoints.folders(run.checkpoints)] == [5]


def test_a_disk_that_is_full_as_well_is_survived(tmp_path, monkeypatch):
    trainer, run = build(toy_config(tmp_path / "run"))
    run_out(trainer, 7)
    save = torch.save

    def failing(thing, path, *args, **kwargs):
        if "checkpoint-6" in str(path):
            raise OSError(28, "No space left on device")
        return save(thing, path, *args, **kwargs)

    monkeypatch.setattr(torch, "save", failing)
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    assert raised.value.findings[0].code == "training.out_of_memory"
    assert "No checkpoint could be written" in raised.value.findings[0].message
    assert [step for step, _ in checkpoints.folders(run.checkpoints)] == [5]


def child(folder, megabytes, *overrides):
    """A process that may take so many megabytes more than it has."""
    # Each arena of the C library takes address space in advance, which is what is limited here.
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    env["PYTHONPATH"] = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    command = [sys.executable, limited.__file__, str(folder), str(megabytes), *overrides]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=550)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


OFF, AUTO = "hyperparams.make_it_fit=off", "hyperparams.make_it_fit=auto"


def test_a_process_with_little_memory_is_told_before_it_trains(tmp_path):
    found = child(tmp_path / "run", 200)
    assert [item["code"] for item in found["findings"]][:3] == [
        "fit.too_large", "fit.tokens", "fit.checkpointing"
    ]  # fmt: skip


def test_a_process_with_little_memory_makes_it_fit(tmp_path):
    roomy = child(tmp_path / "roomy", 100_000)
    found = child(tmp_path / "run", 360, AUTO)
    assert "steps" in found, found
    assert found["steps"] == roomy["steps"] == 8
    assert found["budget"] < roomy["budget"]
    assert found["fit"]["tokens_per_batch"] == found["budget"]


def test_a_process_that_runs_out_goes_on_with_more(tmp_path):
    whole = child(tmp_path / "whole", 100_000, OFF)
    stopped = child(tmp_path / "run", 260, OFF)
    assert stopped["findings"][0]["code"] == "training.out_of_memory"
    resumed = child(tmp_path / "run", 100_000)
    assert resumed["steps"] == 8
    assert resumed["digest"] == whole["digest"]
