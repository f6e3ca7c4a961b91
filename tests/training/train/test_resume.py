"""A training that was stopped and goes on ends with the weights of one that was not, bit for bit."""

from __future__ import annotations

import json
import signal

import pytest
from transformers import TrainerCallback

from ft_runtime.findings import FindingsError
from ft_runtime.runs import start
from ft_runtime.training import TrainingPaused, train
from support.toy_training import build, toy_config, toy_data, weights_digest


class At(TrainerCallback):
    """Do something at a step: inside it (``begin``), or at its end."""

    def __init__(self, step, action, when="begin"):
        self.step, self.action, self.when = step, action, when

    def on_step_begin(self, args, state, control, **kwargs):
        if self.when == "begin" and state.global_step + 1 == self.step:
            self.action()

    def on_step_end(self, args, state, control, **kwargs):
        if self.when == "end" and state.global_step == self.step:
            self.action()


def new_process():
    for run in start._open.values():
        run.close()
    start._open.clear()


def metrics(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "time"} for line in lines]


def train_through(folder, *overrides, **data):
    trainer, run = build(toy_config(folder, *overrides), toy_data(**data))
    return weights_digest(trainer.model), train(trainer, run), weights_digest(trainer.model)


def pause_at(folder, step, *overrides, send=signal.SIGTERM, when="begin", **data):
    trainer, run = build(toy_config(folder, *overrides), toy_data(**data))
    trainer.add_callback(At(step, lambda: signal.raise_signal(send), when))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(TrainingPaused) as paused:
        train(trainer, run)
    assert {number: signal.getsignal(number) for number in before} == before
    new_process()
    return paused.value, run


MATRIX = [
    pytest.param((), 7, id="lora, in mid-epoch"),
    pytest.param((), 10, id="at the end of an epoch"),
    pytest.param((), 20, id="in the last step"),
    pytest.param(("tune_type=full", "artifacts.save_strategy=epoch"), 13, id="full, epoch"),
    pytest.param(("artifacts.save_strategy=no",), 3, id="no checkpoints asked for"),
    pytest.param(
        ("hyperparams.gradient_accumulation=3", "artifacts.save_steps=2"), 5, id="accumulation"
    ),
    pytest.param(
        ("hyperparams.lr_scheduler=reduce_lr_on_plateau", "hyperparams.num_epochs=4",
         "hyperparams.lr_scheduler_kwargs={patience: 0, factor: 0.5}"),
        20, id="a schedule that watches the validation loss",
    ),
    pytest.param(("hyperparams.neftune_noise_alpha=5",), 4, id="noise on the embeddings"),
    pytest.param(("hyperparams.packing=true",), 6, id="packing"),
    pytest.param(("hyperparams.packing=false",), 6, id="padding"),
    pytest.param(
        ("hyperparams.tokens_per_batch=10", "hyperparams.gradient_accumulation=2"), 4,
        id="several micro-batches a step",
    ),
    pytest.param(("hyperparams.optimizer=adamw_torch",), 8, id="the plain optimizer"),
    pytest.param(("hyperparams.max_steps=13",), 11, id="max_steps"),
    pytest.param(("hyperparams.optimizer=adafactor",), 8, id="another optimizer"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "step"), MATRIX)
def test_pausing_changes_nothing(tmp_path, overrides, step, capsys):
    _, whole, expected = train_through(tmp_path / "whole", *overrides)
    paused, run = pause_at(tmp_path / "run", step, *overrides)
    assert paused.result.status == "paused"
    assert paused.result.steps == step
    assert run.status == "paused"
    assert run.checkpoint is not None
    assert run.checkpoint.step == step
    assert "Stopping at the end of this step" in capsys.readouterr().err

    _, result, digest = train_through(tmp_path / "run", *overrides)
    assert digest == expected
    assert result.resumed_from == step
    assert result.steps == whole.steps == result.total_steps
    assert result.tokens == whole.tokens
    assert result.supervised_tokens == whole.supervised_tokens
    # The curve is that of the uninterrupted run; the pause added a line where none was due.
    whole_curve = {(line["step"], "loss" in line): line for line in metrics(tmp_path / "whole")}
    curve = {(line["step"], "loss" in line): line for line in metrics(tmp_path / "run")}
    assert whole_curve.keys() <= curve.keys()
    if not any("accumulation" in item for item in overrides):
        assert curve == {**curve, **whole_curve}


def test_many_pauses_change_nothing_either(tmp_path):
    _, _, expected = train_through(tmp_path / "whole")
    for step in (1, 2, 9, 10, 11, 19):
        pause_at(tmp_path / "run", step)
    assert train_through(tmp_path / "run")[2] == expected


def test_pausing_at_the_end_of_a_step_is_as_good(tmp_path):
    _, _, expected = train_through(tmp_path / "whole")
    paused, _ = pause_at(tmp_path / "run", 6, send=signal.SIGINT, when="end")
    assert paused.result.steps in (6, 7)
    assert train_through(tmp_path / "run")[2] == expected


def test_a_paused_training_says_how_to_go_on_and_records_it(tmp_path):
    paused, run = pause_at(tmp_path / "run", 7)
    assert "step 7 of 20" in str(paused)
    assert "same command" in str(paused)
    assert "error" not in str(paused)
    assert "7 of 20 steps" in repr(paused.result)
    last = json.loads((run.path / "events.jsonl").read_text().splitlines()[-1])
    assert (last["event"], last["status"], last["step"]) == ("ended", "paused", 7)
    manifest = json.loads((run.path / "manifest.json").read_text())
    assert manifest["training"]["status"] == "paused"


def test_the_same_kernel_goes_on_by_calling_train_again(tmp_path):
    _, _, expected = train_through(tmp_path / "whole")
    trainer, run = build(toy_config(tmp_path / "run"))
    trainer.add_callback(At(7, lambda: signal.raise_signal(signal.SIGINT)))
    with pytest.raises(TrainingPaused):
        train(trainer, run)
    result = train(trainer, run)
    assert (result.status, result.resumed_from, run.status) == ("finished", 7, "running")
    assert weights_digest(trainer.model) == expected


def test_the_second_interrupt_stops_at_once_and_the_run_still_goes_on(tmp_path):
    _, _, expected = train_through(tmp_path / "whole")
    trainer, run = build(toy_config(tmp_path / "run"))

    def twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    trainer.add_callback(At(8, twice))
    with pytest.raises(KeyboardInterrupt):
        train(trainer, run)
    assert run.status == "interrupted"
    assert run.checkpoint is not None
    assert run.checkpoint.step == 5
    new_process()
    _, result, digest = train_through(tmp_path / "run")
    assert result.resumed_from == 5
    assert digest == expected


def test_nothing_is_left_to_do_after_the_last_step(tmp_path, capsys):
    _, whole, expected = train_through(tmp_path / "run")
    new_process()
    trainer, run = build(toy_config(tmp_path / "run"))
    assert run.resuming
    assert weights_digest(trainer.model) != expected
    result = train(trainer, run)
    assert weights_digest(trainer.model) == expected
    assert (result.status, result.steps, result.changed_tensors) == ("finished", 20, None)
    assert result.train_loss_last == whole.train_loss_last
    assert result.tokens == whole.tokens
    assert "already trained" in capsys.readouterr().err


def damage_optimizer(path):
    whole = (path / "optimizer.pt").read_bytes()
    (path / "optimizer.pt").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (damage_optimizer, "optimizer.pt has"),
        (lambda path: (path / "rng_state.pth").unlink(), "rng_state.pth is missing"),
        (lambda path: (path / "scheduler.pt").unlink(), "scheduler.pt is missing"),
        (lambda path: (path / "ft_checkpoint.json").unlink(), "cut short"),
    ],
)
def test_a_damaged_checkpoint_is_passed_over(tmp_path, damage, named, capsys):
    _, _, expected = train_through(tmp_path / "whole")
    pause_at(tmp_path / "run", 12)
    damage(tmp_path / "run" / "checkpoints" / "checkpoint-12")
    _, result, digest = train_through(tmp_path / "run")
    told = capsys.readouterr().err
    assert "checkpoint-12" in told
    assert named in told
    assert result.resumed_from == 10
    assert digest == expected
    # The folder was in the way of step 12 no more than of any other: only checkpoints 15, 20 are new.
    kept = {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()}
    assert kept >= {"checkpoint-15", "checkpoint-20"}


def test_a_stale_folder_is_replaced_when_its_step_comes(tmp_path):
    pause_at(tmp_path / "run", 12)
    stale = tmp_path / "run" / "checkpoints" / "checkpoint-15"
    stale.mkdir()
    (stale / "model-00001-of-00009.safetensors").write_text("of another life")
    (stale / "ft_checkpoint.json").write_text("{}")
    config = toy_config(tmp_path / "run", "artifacts.save_total_limit=null")
    trainer, run = build(config)
    train(trainer, run)
    names = {path.name for path in stale.iterdir()}
    assert "model-00001-of-00009.safetensors" not in names
    assert "adapter_model.safetensors" in names


def test_other_data_is_refused_when_the_number_of_rows_differs(tmp_path):
    pause_at(tmp_path / "run", 7)
    trainer, run = build(toy_config(tmp_path / "run"), toy_data(train=18))
    with pytest.raises(FindingsError) as error:
        train(trainer, run)
    assert [item.where for item in error.value.findings] == ["train_rows"]


def test_arguments_changed_by_hand_are_refused_by_name(tmp_path):
    pause_at(tmp_path / "run", 7)
    trainer, run = build(toy_config(tmp_path / "run"))
    trainer.args.learning_rate = 0.5
    trainer.args.warmup_steps = 3
    with pytest.raises(FindingsError) as error:
        train(trainer, run)
    assert {item.code for item in error.value.findings} == {"run.arguments_changed"}
    assert {item.where for item in error.value.findings} == {"learning_rate", "warmup_steps"}


def test_training_anew_in_the_same_run_moves_the_checkpoints_aside(tmp_path):
    first, _, expected = train_through(tmp_path / "run")
    new_process()
    trainer, run = build(toy_config(tmp_path / "run"))
    assert weights_digest(trainer.model) == first
    result = train(trainer, run, resume=False)
    assert result.resumed_from is None
    assert weights_digest(trainer.model) == expected
    assert {path.name for path in (run.path / "checkpoints.previous-1").iterdir()} == {
        "checkpoint-15",
        "checkpoint-20",
    }


def test_a_given_checkpoint_is_verified_too(tmp_path):
    whole, run = build(toy_config(tmp_path / "run"))
    train(whole, run)
    expected = weights_digest(whole.model)
    result = train(whole, run, resume=run.checkpoints / "checkpoint-15")
    assert result.resumed_from == 15
    assert weights_digest(whole.model) == expected
    for wrong, code in (
        ("checkpoint-7", "training.no_checkpoint"),
        ("x", "training.no_checkpoint"),
    ):
        with pytest.raises(FindingsError) as error:
            train(whole, run, resume=run.checkpoints / wrong)
        assert [item.code for item in error.value.findings] == [code]
    (run.checkpoints / "checkpoint-15" / "optimizer.pt").write_text("")
    with pytest.raises(FindingsError) as error:
        train(whole, run, resume=str(run.checkpoints / "checkpoint-15"))
    assert [item.code for item in error.value.findings] == ["training.checkpoint_unverified"]


def test_what_is_given_up_for_an_earlier_checkpoint_does_not_come_back(tmp_path):
    whole, run = build(toy_config(tmp_path / "run", "artifacts.save_total_limit=3"))
    train(whole, run)
    expected = weights_digest(whole.model)

    def fall():
        raise KeyboardInterrupt

    usual = whole.args.learning_rate
    whole.args.learning_rate = 0.5
    with pytest.raises(FindingsError, match="learning_rate"):
        train(whole, run, resume=run.checkpoints / "checkpoint-10")
    assert (run.checkpoints / "checkpoint-20").is_dir()
    whole.args.learning_rate = usual
    whole.add_callback(At(13, fall))
    with pytest.raises(KeyboardInterrupt):
        train(whole, run, resume=run.checkpoints / "checkpoint-10")
    aside = run.path / "checkpoints.previous-1"
    assert {path.name for path in aside.iterdir()} == {"checkpoint-15", "checkpoint-20"}
    new_process()
    again, run = build(toy_config(tmp_path / "run", "artifacts.save_total_limit=3"))
    assert run.checkpoint.step == 10
    # As transformers has it: from the newest one.
    assert train(again, run, resume=True).resumed_from == 10
    assert weights_digest(again.model) == expected
    assert len(metrics(run.path)) == len({line["step"] for line in metrics(run.path)}) + 2
