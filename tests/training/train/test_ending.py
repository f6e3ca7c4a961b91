"""Which weights a training ends with, as transformers' own arguments and callbacks have it."""

from __future__ import annotations

import json

import pytest
from transformers import EarlyStoppingCallback

from ft_runtime.runs import checkpoints as sealed
from ft_runtime.training import train
from support.toy_training import build, new_process, toy_config, weights_digest


def test_the_best_weights_are_there_at_the_end_and_when_the_kernel_is_new(tmp_path, capsys):
    """Two are kept, and the best of four is none of the newest two."""
    settings = ("hyperparams.learning_rate=0.9", "hyperparams.num_epochs=4")
    found = []

    def best_first():
        trainer, run = build(toy_config(tmp_path / "run", *settings))
        trainer.args.save_strategy = trainer.args.eval_strategy
        trainer.args.save_total_limit = 2
        trainer.args.load_best_model_at_end = True
        result = train(trainer, run)
        found.append(weights_digest(trainer.model))
        return trainer, run, result

    trainer, run, _ = best_first()
    held_out = [line["eval_loss"] for line in trainer.state.log_history if "eval_loss" in line]
    best = 10 * held_out.index(min(held_out)) + 10
    assert best < 30
    assert trainer.evaluate()["eval_loss"] == pytest.approx(min(held_out))
    assert [step for step, _ in sealed.folders(run.checkpoints)] == [40, best]
    new_process()
    _, _, result = best_first()
    assert result.resumed_from == 40
    assert found[0] == found[1]
    new_process()
    (run.checkpoints / f"checkpoint-{best}" / sealed.SEAL).unlink()
    capsys.readouterr()
    best_first()
    assert found[2] != found[0]
    said = capsys.readouterr().err
    assert f"checkpoint-{best}: The best checkpoint cannot be used" in said
    assert "The weights of checkpoint-40 were loaded" in " ".join(said.split())


def test_the_best_weights_are_found_where_more_is_evaluated_than_saved(tmp_path, capsys):
    settings = ("hyperparams.learning_rate=0.9", "hyperparams.num_epochs=2")
    found = []
    for _ in range(2):
        trainer, run = build(toy_config(tmp_path / "run", *settings))
        args = trainer.args
        args.eval_strategy = args.save_strategy = type(args.eval_strategy)("steps")
        args.eval_steps, args.save_steps, args.load_best_model_at_end = 1, 3, True
        trainer.state.eval_steps, trainer.state.save_steps = 1, 3
        train(trainer, run)
        found.append(weights_digest(trainer.model))
        new_process()
    state = json.loads((run.checkpoints / "checkpoint-20" / "trainer_state.json").read_text())
    assert not state["best_model_checkpoint"].endswith(f"-{state['best_global_step']}")
    assert found[0] == found[1]
    assert "cannot be used" not in capsys.readouterr().err


def test_a_training_that_stops_early_as_asked_is_no_error(tmp_path, capsys):
    settings = ("hyperparams.learning_rate=0.9", "hyperparams.num_epochs=9")
    trainer, run = build(toy_config(tmp_path / "run", *settings))
    trainer.args.save_strategy = trainer.args.eval_strategy
    trainer.args.load_best_model_at_end = True
    trainer.add_callback(EarlyStoppingCallback(1))
    result = train(trainer, run)
    assert result.status == "finished"
    assert 20 <= result.steps < result.total_steps == 90
    said = " ".join(capsys.readouterr().err.split())
    assert f"ended after {result.steps} of 90 optimizer steps" in said
    held_out = [line["eval_loss"] for line in trainer.state.log_history if "eval_loss" in line]
    assert trainer.evaluate()["eval_loss"] == pytest.approx(min(held_out))
    new_process()
    again, run = build(toy_config(tmp_path / "run", *settings))
    again.args.save_strategy = again.args.eval_strategy
    again.args.load_best_model_at_end = True
    again.add_callback(EarlyStoppingCallback(1))
    assert train(again, run).steps == result.steps
    assert weights_digest(again.model) == weights_digest(trainer.model)
