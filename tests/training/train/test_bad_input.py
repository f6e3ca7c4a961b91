"""Rows and steps that cannot be learned from: told, and nothing is lost."""

from __future__ import annotations

import json

import pytest
import torch

from ft_runtime.findings import FindingsError
from ft_runtime.runs import checkpoints, start, start_run
from ft_runtime.tokens.prepared import PreparedData
from ft_runtime.training import build_trainer, scaler, train, training_arguments
from support.toy_training import (
    CPU,
    ToyTokenizer,
    build,
    toy_config,
    toy_data,
    toy_model,
    weights_digest,
)


def told(run, code):
    lines = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    return [line for line in lines if line.get("code") == code]


def masked(rows):
    """The toy's rows; those with these numbers have no token with loss."""
    data = toy_data()

    def mask(row):
        return {"labels": [-100] * len(row["labels"])} if row["row"] in rows else {}

    train_rows = data.train.map(mask)
    return PreparedData(train_rows, data.val, data.test, ledger=data.ledger, examples={})


@pytest.mark.parametrize("packing", ["false", "auto"])
def test_a_step_without_any_loss_is_told_with_its_rows(tmp_path, packing):
    """All rows of the first four steps: no NaN, no loss, and the others train on."""
    config = toy_config(
        tmp_path / "run", f"hyperparams.packing={packing}", "hyperparams.num_epochs=1",
        "hyperparams.warmup_ratio=0",
    )  # fmt: skip
    trainer, run = build(config, masked(range(1, 17)))
    result = train(trainer, run)
    assert result.changed_tensors == result.trainable_tensors
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert all(torch.isfinite(torch.tensor(losses)))
    assert 0.0 in losses
    (line,) = told(run, "training.masked_step")
    rows = line["message"].split("(rows ")[1].split(")")[0].split(", ")
    assert len(rows) == 2
    assert {int(row) for row in rows} <= set(range(1, 17))
    assert line["where"].startswith("step ")


def test_a_masked_row_among_others_is_as_if_it_were_not_there(tmp_path):
    options = ("hyperparams.batch_size_train=20", "hyperparams.num_epochs=1", "tune_type=full",
               "hyperparams.warmup_ratio=0", "hyperparams.make_it_fit=off",
               # Adam would make a whole step of the last digit of a gradient that is nearly zero.
               "hyperparams.optimizer=sgd", "hyperparams.learning_rate=1")  # fmt: skip
    digests = []
    for name, data in (("masked", masked([3, 7])), ("without", toy_data())):
        if name == "without":
            kept = [place for place, row in enumerate(data.train["row"]) if row not in (3, 7)]
            data = PreparedData(
                data.train.select(kept), data.val, data.test, ledger=data.ledger, examples={}
            )
        trainer, run = build(toy_config(tmp_path / name, *options), data, dropout=0.0)
        train(trainer, run)
        digests.append(torch.cat([p.detach().flatten() for p in trainer.model.parameters()]))
        assert not told(run, "training.masked_step")
    torch.testing.assert_close(*digests, rtol=1e-4, atol=1e-5)


def test_a_row_longer_than_the_budget_is_trained_on_alone_and_told(tmp_path):
    data = toy_data(longest=40)
    long = [len(row) for row in data.train["input_ids"] if len(row) > 10]
    trainer, run = build(toy_config(tmp_path / "run", "hyperparams.tokens_per_batch=10"), data)
    result = train(trainer, run)
    assert result.tokens == 2 * sum(map(len, data.train["input_ids"]))
    (line,) = told(run, "training.long_rows")
    assert f"{len(long)} of 20 training rows" in line["message"]
    assert f"the longest: {max(long)}" in line["message"]


class Skipping:
    """An accelerator whose scaler skips the steps of a range."""

    def __init__(self, trainer, first, last):
        self.trainer, self.first, self.last = trainer, first, last

    @property
    def optimizer_step_was_skipped(self):
        return self.first <= self.trainer.state.global_step + 1 <= self.last


def with_scaler(folder, first, last, epochs=4):
    trainer, run = build(toy_config(folder, f"hyperparams.num_epochs={epochs}"))
    watch = scaler.scaler_callback_class()(trainer)
    real = trainer
    watch.trainer = type("Fake", (), {"accelerator": Skipping(real, first, last)})()
    trainer.add_callback(watch)
    return trainer, run


def test_a_scaler_that_skips_many_steps_is_told_once(tmp_path):
    trainer, run = with_scaler(tmp_path / "run", 5, 25)
    train(trainer, run)
    (line,) = told(run, "training.steps_skipped")
    assert line["where"] == "step 14"
    assert "10 steps in a row" in line["message"]


def test_a_scaler_that_finds_its_scale_is_not(tmp_path):
    trainer, run = with_scaler(tmp_path / "run", 1, 9)
    train(trainer, run)
    assert not told(run, "training.steps_skipped")


def test_a_scaler_that_skips_every_step_ends_the_training(tmp_path):
    trainer, run = with_scaler(tmp_path / "run", 6, 1000)
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    (found,) = raised.value.findings
    assert (found.code, found.where) == ("training.all_steps_skipped", "step 35")
    assert run.status == "failed"
    assert checkpoints.newest(run.checkpoints)[0].verified


@pytest.mark.parametrize("fp16", [True, False])
def test_fp16_training_is_watched(tmp_path, fp16):
    config = toy_config(tmp_path / "run")
    run = start_run(config, CPU)
    args = training_arguments(config, CPU, run, progress=False)
    args.fp16 = fp16
    trainer = build_trainer(config, toy_model(config), args, ToyTokenizer(), toy_data(), run)
    names = [type(callback).__name__ for callback in trainer.callback_handler.callbacks]
    assert ("ScalerWatch" in names) is fp16


def test_a_disk_that_fills_up_under_the_log_stops_with_a_finding(tmp_path, monkeypatch):
    """Not only checkpoints need space: a line of metrics.jsonl may be the one too many."""
    from ft_runtime.runs import folder

    whole, run = build(toy_config(tmp_path / "whole"))
    train(whole, run)
    trainer, run = build(toy_config(tmp_path / "run"))
    append = folder.append_line

    def failing(path, line):
        if trainer.state.global_step == 8:
            raise OSError(28, "No space left on device")
        append(path, line)

    monkeypatch.setattr(folder, "append_line", failing)
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    monkeypatch.undo()
    assert raised.value.findings[0].code == "run.cannot_write"
    assert "No space left" in raised.value.findings[0].message
    for opened in start._open.values():
        opened.close()
    start._open.clear()
    again, run = build(toy_config(tmp_path / "run"))
    assert train(again, run).resumed_from == 5
    assert weights_digest(again.model) == weights_digest(whole.model)
