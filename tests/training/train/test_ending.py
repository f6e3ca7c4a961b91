"""Which weights a training ends with, as transformers' own arguments and callbacks have it."""

from __future__ import annotations

import json

import pytest
from transformers import EarlyStoppingCallback

from ft_runtime.runs import checkpoints as sealed
from ft_runtime.training import train
from support.toy_training import build, new_process, toy_config, weights_digest


def let_it_say(trainer, *losses):
    """Let the next evaluations say these losses; return a list of what they really were."""
    evaluate, left, real = trainer.evaluation_loop, list(losses), []

    def say(*args, **options):
        output = evaluate(*args, **options)
        if left:
            real.append(output.metrics["eval_loss"])
            output.metrics["eval_loss"] = left.pop(0)
        return output

    trainer.evaluation_loop = say
    return real


def test_the_best_weights_are_there_at_the_end_and_when_the_kernel_is_new(tmp_path, capsys):
    """Two are kept, and the best of four is none of the newest two."""
    found = []

    def best_first():
        trainer, run = build(toy_config(tmp_path / "run", "hyperparams.num_epochs=4"))
        trainer.args.save_strategy = trainer.args.eval_strategy
        trainer.args.save_total_limit = 2
        trainer.args.load_best_model_at_end = True
        real = let_it_say(trainer, 2.0, 1.0, 3.0, 4.0)
        result = train(trainer, run)
        found.append(weights_digest(trainer.model))
        return trainer, run, result, real

    trainer, run, _, real = best_first()
    assert len({*real}) == 4
    assert trainer.evaluate()["eval_loss"] == pytest.approx(real[1])
    assert [step for step, _ in sealed.folders(run.checkpoints)] == [40, 20]
    new_process()
    _, _, result, _ = best_first()
    assert result.resumed_from == 40
    assert found[0] == found[1]
    new_process()
    (run.checkpoints / "checkpoint-20" / sealed.SEAL).unlink()
    capsys.readouterr()
    best_first()
    assert found[2] != found[0]
    said = capsys.readouterr().err
    assert "checkpoint-20: The best checkpoint cannot be used" in said
    assert "The weights of checkpoint-40 were loaded" in " ".join(said.split())


def test_the_best_weights_are_found_where_more_is_evaluated_than_saved(tmp_path, capsys):
    found = []
    for _ in range(2):
        trainer, run = build(toy_config(tmp_path / "run"))
        args = trainer.args
        args.eval_strategy = args.save_strategy = type(args.eval_strategy)("steps")
        args.eval_steps, args.save_steps, args.load_best_model_at_end = 1, 3, True
        trainer.state.eval_steps, trainer.state.save_steps = 1, 3
        let_it_say(trainer, *(1.0 + abs(step - 8) for step in range(1, 21)))
        train(trainer, run)
        found.append(weights_digest(trainer.model))
        new_process()
    state = json.loads((run.checkpoints / "checkpoint-20" / "trainer_state.json").read_text())
    assert state["best_global_step"] == 8
    assert not state["best_model_checkpoint"].endswith("-8")
    assert found[0] == found[1]
    assert "cannot be used" not in capsys.readouterr().err


def test_a_training_that_stops_early_as_asked_is_no_error(tmp_path, capsys):
    config = toy_config(tmp_path / "run", "hyperparams.num_epochs=9")
    trainer, run = build(config)
    trainer.args.save_strategy = trainer.args.eval_strategy
    trainer.args.load_best_model_at_end = True
    trainer.add_callback(EarlyStoppingCallback(1))
    real = let_it_say(trainer, 3.0, 1.0, 2.0)
    result = train(trainer, run)
    assert (result.status, result.steps, result.total_steps) == ("finished", 30, 90)
    said = " ".join(capsys.readouterr().err.split())
    assert "ended after 30 of 90 optimizer steps" in said
    assert len({*real}) == 3
    assert trainer.evaluate()["eval_loss"] == pytest.approx(real[1])
    new_process()
    again, run = build(config)
    again.args.save_strategy = again.args.eval_strategy
    again.args.load_best_model_at_end = True
    again.add_callback(EarlyStoppingCallback(1))
    assert train(again, run).steps == result.steps
    assert weights_digest(again.model) == weights_digest(trainer.model)
