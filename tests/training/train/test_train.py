"""What training leaves behind, and how it fails."""

from __future__ import annotations

import errno
import json
import shutil

import pytest
import torch
from transformers import Trainer, TrainerCallback

from ft_runtime.findings import FindingsError
from ft_runtime.runs import checkpoints as sealed
from ft_runtime.runs import start_run
from ft_runtime.tokens.collate import CausalCollator
from ft_runtime.training import train, training_arguments
from support.toy_training import (
    CPU,
    ToyTokenizer,
    build,
    new_process,
    toy_config,
    toy_data,
    weights_digest,
)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def codes(error):
    return [item.code for item in error.value.findings]


def test_a_training_leaves_what_it_says(tmp_path):
    config = toy_config(tmp_path / "run", "artifacts.save_total_limit=3")
    trainer, run = build(config)
    before = weights_digest(trainer.model)
    result = train(trainer, run)
    assert weights_digest(trainer.model) != before
    assert (result.status, result.steps, result.total_steps, result.epochs) == (
        "finished",
        20,
        20,
        2,
    )
    assert result.changed_tensors == result.trainable_tensors == 28
    data = toy_data()
    assert result.tokens == 2 * sum(len(row) for row in data.train["input_ids"])
    assert result.supervised_tokens == 2 * sum(len(row) - 2 for row in data.train["input_ids"])
    assert "20 of 20 steps" in repr(result)

    metrics = lines(run.path / "metrics.jsonl")
    assert [line["step"] for line in metrics if "loss" in line] == list(range(1, 21))
    assert [line["step"] for line in metrics if "eval_loss" in line] == [10, 20]
    assert {"loss", "grad_norm", "learning_rate", "epoch", "time"} <= metrics[0].keys()
    told = [(line["event"], line.get("step")) for line in lines(run.path / "events.jsonl")]
    assert told == [
        ("started", None), ("checkpoint", 5), ("epoch", 10), ("checkpoint", 10),
        ("checkpoint", 15), ("epoch", 20), ("checkpoint", 20),
    ]  # fmt: skip
    kept = {path.name for path in run.checkpoints.iterdir()}
    assert kept == {"checkpoint-10", "checkpoint-15", "checkpoint-20"}
    for step in (10, 15, 20):
        assert sealed.verify(run.checkpoints / f"checkpoint-{step}", step).verified


def test_the_loss_of_something_learnable_falls(tmp_path):
    data = toy_data(train=2)
    trainer, run = build(
        toy_config(tmp_path / "run", "hyperparams.num_epochs=60", "tune_type=full"), data
    )
    result = train(trainer, run)
    assert result.train_loss_last < 0.5 * result.train_loss_first


def test_the_config_may_keep_every_checkpoint_or_none(tmp_path):
    trainer, run = build(toy_config(tmp_path / "a", "artifacts.save_total_limit=null"))
    train(trainer, run)
    assert [step for step, _ in sealed.folders(run.checkpoints)] == [20, 15, 10, 5]
    trainer, run = build(toy_config(tmp_path / "b", "artifacts.save_strategy=no"))
    result = train(trainer, run)
    assert not run.checkpoints.exists() or sealed.folders(run.checkpoints) == []
    assert result.checkpoint is None


def test_a_limit_set_by_hand_is_kept_and_never_leaves_none(tmp_path):
    """transformers would delete the old checkpoint first; here there is always a verified one."""
    trainer, run = build(toy_config(tmp_path / "run"))
    trainer.args.save_total_limit = 1
    seen = []

    class Watch(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step > 5:
                seen.append(sealed.newest(run.checkpoints)[0])

    trainer.add_callback(Watch())
    train(trainer, run)
    assert None not in seen
    assert [step for step, _ in sealed.folders(run.checkpoints)] == [20]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_before_the_weights(tmp_path, value):
    trainer, run = build(toy_config(tmp_path / "run", "hyperparams.gradient_accumulation=2"))
    kept = {}

    class Poison(TrainerCallback):
        def on_step_begin(self, args, state, control, model=None, **kwargs):
            if state.global_step == 7:
                kept["digest"] = weights_digest(model)
                embeddings = model.get_input_embeddings()
                embeddings.register_forward_hook(lambda module, ids, found: found * value)

    trainer.add_callback(Poison())
    with pytest.raises(FindingsError) as error:
        train(trainer, run)
    (found,) = error.value.findings
    assert found.code == "training.loss_not_finite"
    assert found.where == "step 8"
    rows = found.message.split("rows ")[1].split(".")[0].split(", ")
    assert len(rows) == 4
    assert all(1 <= int(row) <= 20 for row in rows)
    assert weights_digest(trainer.model) == kept["digest"]
    assert run.status == "failed"
    last = lines(run.path / "events.jsonl")[-1]
    assert last["findings"][0]["code"] == "training.loss_not_finite"

    new_process()
    again, run = build(toy_config(tmp_path / "run", "hyperparams.gradient_accumulation=2"))
    assert train(again, run).resumed_from == 5


def test_the_row_that_is_to_blame_is_named_alone(tmp_path):
    data = toy_data()
    trainer, run = build(toy_config(tmp_path / "run", "hyperparams.gradient_accumulation=2"), data)
    culprit = data.train[11]
    number = culprit["input_ids"][1]
    guilty = [row["row"] for row in data.train if number in row["input_ids"]]

    def poison(module, inputs, found):
        return found.masked_fill((inputs[0] == number).unsqueeze(-1), float("nan"))

    trainer.model.get_input_embeddings().register_forward_hook(poison)
    with pytest.raises(FindingsError) as error:
        train(trainer, run)
    named = error.value.findings[0].message.split("rows ")[1].split(".")[0].split(", ")
    assert named
    assert {int(name) for name in named} <= set(guilty)


def test_a_gradient_that_is_no_number_is_never_saved(tmp_path):
    trainer, run = build(toy_config(tmp_path / "run"))

    class Poison(TrainerCallback):
        def on_substep_end(self, args, state, control, **kwargs):
            raise AssertionError("no accumulation here")

        def on_step_begin(self, args, state, control, model=None, **kwargs):
            if state.global_step == 9:
                tensor = next(t for t in model.parameters() if t.requires_grad)
                tensor.register_hook(lambda gradient: gradient * float("nan"))

    trainer.add_callback(Poison())
    with pytest.raises(FindingsError) as error:
        train(trainer, run)
    assert codes(error) == ["training.gradient_not_finite"]
    assert [step for step, _ in sealed.folders(run.checkpoints)] == [5]


def test_a_training_that_moves_nothing_is_an_error(tmp_path):
    trainer, run = build(toy_config(tmp_path / "run"))
    trainer.optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(FindingsError) as error:
        train(trainer, run)
    assert codes(error) == ["training.nothing_learned"]
    assert "28 trainable tensors" in str(error.value)
    assert run.status == "failed"


def test_weights_that_are_no_numbers_are_an_error(tmp_path):
    trainer, run = build(toy_config(tmp_path / "run"))

    class Poison(TrainerCallback):
        def on_train_end(self, args, state, control, model=None, **kwargs):
            tensor = next(t for t in model.parameters() if t.requires_grad)
            tensor.data.fill_(float("nan"))

    trainer.add_callback(Poison())
    with pytest.raises(FindingsError) as error:
        train(trainer, run)
    assert codes(error) == ["training.weights_not_finite"]


def test_a_training_cut_short_by_another_callback_is_an_error(tmp_path):
    trainer, run = build(toy_config(tmp_path / "run"))

    class Stop(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_training_stop = state.global_step == 12

    trainer.add_callback(Stop())
    with pytest.raises(FindingsError) as error:
        train(trainer, run)
    assert codes(error) == ["training.too_few_steps"]
    assert "12 optimizer steps, expected 20" in str(error.value)


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FULL, "training.disk_full"),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
         "training.disk_full"),
        (PermissionError(errno.EACCES, "Permission denied"), "training.checkpoint_failed"),
        (RuntimeError("PytorchStreamWriter failed writing file data/0"), "training.checkpoint_failed"),
    ],
)  # fmt: skip
def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_one(
    tmp_path, monkeypatch, error, code
):
    whole, run = build(toy_config(tmp_path / "whole"))
    train(whole, run)
    trainer, run = build(toy_config(tmp_path / "run"))
    save, calls = torch.save, []

    def failing(thing, path, *args, **kwargs):
        calls.append(str(path))
        if "checkpoint-10" in str(path) and "optimizer" in str(path):
            raise error
        return save(thing, path, *args, **kwargs)

    monkeypatch.setattr(torch, "save", failing)
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    monkeypatch.undo()
    assert codes(raised) == [code]
    assert "What was saved before is intact" in str(raised.value)
    assert {path.name for path in run.checkpoints.iterdir()} == {"checkpoint-5"}
    assert sealed.verify(run.checkpoints / "checkpoint-5", 5).verified
    assert run.status == "failed"
    new_process()
    trainer, run = build(toy_config(tmp_path / "run"))
    assert train(trainer, run).resumed_from == 5
    assert weights_digest(trainer.model) == weights_digest(whole.model)


def test_a_seal_that_cannot_be_written_is_told_too(tmp_path, monkeypatch):
    trainer, run = build(toy_config(tmp_path / "run"))
    write = sealed.write_text_atomic

    def failing(path, content):
        if "checkpoint-10" in str(path):
            raise FULL
        return write(path, content)

    monkeypatch.setattr(sealed, "write_text_atomic", failing)
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    assert codes(raised) == ["training.disk_full"]
    assert sealed.newest(run.checkpoints)[0].step == 5


def test_what_could_not_be_saved_is_not_trained(tmp_path, monkeypatch):
    trainer, run = build(toy_config(tmp_path / "run", "artifacts.save_strategy=no"))
    before = weights_digest(trainer.model)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    assert codes(raised) == ["artifacts.disk_full"]
    assert weights_digest(trainer.model) == before
    assert lines(run.path / "events.jsonl")[-1]["status"] == "failed"
    monkeypatch.undo()
    assert train(trainer, run).status == "finished"


def test_running_out_of_memory_says_what_to_lower(tmp_path, monkeypatch):
    trainer, run = build(toy_config(tmp_path / "run"))

    def failing(*args, **kwargs):
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried"
        )

    monkeypatch.setattr(trainer, "training_step", failing)
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    assert codes(raised)[0] == "training.out_of_memory"
    assert "hyperparams.tokens_per_batch" in str(raised.value)


def test_a_bug_stays_an_exception_and_is_recorded(tmp_path, monkeypatch):
    trainer, run = build(toy_config(tmp_path / "run"))

    def failing(*args, **kwargs):
        raise RuntimeError("no such thing")

    monkeypatch.setattr(trainer, "training_step", failing)
    with pytest.raises(RuntimeError, match="no such thing"):
        train(trainer, run)
    assert run.status == "failed"
    assert lines(run.path / "events.jsonl")[-1]["reason"] == "RuntimeError: no such thing"


def test_a_plain_trainer_gets_checkpoints_and_a_clean_stop_too(tmp_path):
    config = toy_config(tmp_path / "run")
    run = start_run(config, CPU)
    args = training_arguments(config, CPU, run, progress=False)
    ours, _ = build(config, run=run)
    data = toy_data()

    class Stop(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == 6:
                next(
                    c for c in trainer.callback_handler.callbacks if hasattr(c, "stop")
                ).stop.request()

    trainer = Trainer(
        ours.model, args, CausalCollator(0), data.train.remove_columns("row"),
        data.val.remove_columns("row"), processing_class=ToyTokenizer(), callbacks=[Stop()],
    )  # fmt: skip
    with pytest.raises(FindingsError) as paused:
        train(trainer, run)
    assert codes(paused) == ["training.paused"]
    assert sealed.verify(run.checkpoints / "checkpoint-7", 7).verified


def test_no_rows_is_an_error(tmp_path):
    with pytest.raises(FindingsError) as raised:
        build(toy_config(tmp_path / "run"), toy_data(train=0))
    assert codes(raised) == ["training.no_rows"]


def test_without_validation_rows_none_are_asked_for(tmp_path):
    trainer, run = build(toy_config(tmp_path / "run"), toy_data(val=0))
    train(trainer, run)
    assert not any("eval_loss" in line for line in lines(run.path / "metrics.jsonl"))
    with pytest.raises(FindingsError) as raised:
        build(toy_config(tmp_path / "b", "hyperparams.lr_scheduler=greedy"), toy_data(val=0))
    assert codes(raised) == ["training.scheduler_needs_val"]


def test_a_training_of_one_step_learns_despite_the_warm_up(tmp_path, capsys):
    trainer, run = build(
        toy_config(tmp_path / "run", "hyperparams.batch_size_train=64", "hyperparams.num_epochs=1")
    )
    result = train(trainer, run)
    assert result.steps == 1
    assert result.changed_tensors
    assert "training.no_warmup" in capsys.readouterr().err
