"""The config becomes transformers' own arguments, field for field."""

from __future__ import annotations

import inspect
import math

import pytest
from transformers import TrainingArguments
from transformers.trainer_utils import SchedulerType

from ft_runtime.config import load_schema
from ft_runtime.devices import Device
from ft_runtime.findings import FindingsError
from ft_runtime.runs import start_run
from ft_runtime.training import train, training_arguments
from ft_runtime.training.schedule import total_steps
from support.toy_training import CPU, build, toy_config

SCHEDULERS = load_schema()["properties"]["hyperparams"]["properties"]["lr_scheduler"]["enum"]


def arguments(tmp_path, *overrides, device=CPU, **options):
    config = toy_config(tmp_path / "run", *overrides)
    return training_arguments(config, device, start_run(config, device), **options)


def test_every_field_reaches_its_argument(tmp_path):
    args = arguments(
        tmp_path, "hyperparams.learning_rate=0.003", "hyperparams.num_epochs=1.5",
        "hyperparams.batch_size_train=3", "hyperparams.batch_size_eval=5",
        "hyperparams.gradient_accumulation=7", "hyperparams.weight_decay=0.1",
        "hyperparams.lr_scheduler=polynomial", "hyperparams.lr_scheduler_kwargs={power: 2.0}",
        "hyperparams.max_grad_norm=0.3", "hyperparams.optimizer=adafactor",
        "hyperparams.neftune_noise_alpha=5", "seed=11", "artifacts.save_strategy=steps",
        "artifacts.save_steps=9", "artifacts.save_total_limit=4", "hyperparams.max_steps=40",
    )  # fmt: skip
    assert isinstance(args, TrainingArguments)
    expected = {
        "learning_rate": 0.003, "num_train_epochs": 1.5, "per_device_train_batch_size": 3,
        "per_device_eval_batch_size": 5, "gradient_accumulation_steps": 7, "weight_decay": 0.1,
        "lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"power": 2.0},
        "max_grad_norm": 0.3, "optim": "adafactor", "neftune_noise_alpha": 5, "seed": 11,
        "data_seed": 11, "save_strategy": "steps", "save_steps": 9, "save_total_limit": 4,
        "max_steps": 40, "output_dir": str(tmp_path / "run" / "checkpoints"),
        "remove_unused_columns": False, "use_cpu": True, "bf16": False, "fp16": False,
        "push_to_hub": False, "report_to": [], "logging_nan_inf_filter": False,
        "save_only_model": False, "ignore_data_skip": False,
    }  # fmt: skip
    assert {name: getattr(args, name) for name in expected} == expected


@pytest.mark.parametrize(("ratio", "steps"), [(0.0, 0), (0.03, 3), (0.5, 50), (1.0, 100)])
def test_the_warm_up_is_a_share_of_all_steps(tmp_path, ratio, steps):
    assert arguments(tmp_path, f"hyperparams.warmup_ratio={ratio}").get_warmup_steps(100) == steps


@pytest.mark.parametrize(
    ("precision", "bf16", "fp16"), [("bf16", True, False), ("none", False, False)]
)
def test_the_device_decides_over_precision(tmp_path, precision, bf16, fp16):
    device = Device(type="cpu", name="test", precision=precision, reason="")
    args = arguments(tmp_path, device=device)
    assert (args.bf16, args.fp16) == (bf16, fp16)


@pytest.mark.parametrize(("length", "rows"), [(8, 8), (512, 8), (1024, 4), (4096, 1), (100_000, 1)])
def test_the_automatic_batch_follows_its_rule_and_tells(tmp_path, length, rows, capsys):
    args = arguments(
        tmp_path, "hyperparams.batch_size_train=auto", f"hyperparams.max_seq_len={length}"
    )
    assert args.per_device_train_batch_size == rows
    assert f"{rows} rows in one forward pass" in capsys.readouterr().err


def test_gradient_checkpointing_is_on_under_its_name_of_the_day(tmp_path):
    args = arguments(tmp_path, "hyperparams.gradient_checkpointing=true")
    assert any(getattr(args, f"{name}_checkpointing", None) for name in ("activation", "gradient"))


def test_tensorboard_files_land_in_the_run_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", "unset")  # restored afterwards
    trainer, run = build(
        toy_config(tmp_path / "run", "logs=tensorboard", "hyperparams.max_steps=2")
    )
    assert trainer.args.report_to == ["tensorboard"]
    train(trainer, run)
    assert [path.parent.name for path in run.path.rglob("events.out.tfevents*")] == ["logs"]


def test_without_tensorboard_the_run_goes_on_with_a_warning(tmp_path, monkeypatch, capsys):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name.startswith("tensorboard") else found(name, *a),
    )
    assert arguments(tmp_path, "logs=tensorboard").report_to == []
    assert "training.no_tensorboard" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [True, False])
def test_the_progress_bar_is_drawn_when_asked_for(tmp_path, asked):
    assert arguments(tmp_path, progress=asked).disable_tqdm is not asked


def test_nothing_is_printed_into_a_log_file(tmp_path, capsys):
    trainer, run = build(toy_config(tmp_path / "run"))
    capsys.readouterr()
    train(trainer, run)
    assert capsys.readouterr() == ("", "")


def test_the_schema_lists_the_schedules_of_transformers():
    assert set(SCHEDULERS) == {item.value for item in SchedulerType}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_schedule_trains_without_further_options(tmp_path, name):
    trainer, run = build(toy_config(tmp_path / "run", f"hyperparams.lr_scheduler={name}"))
    train(trainer, run)
    rates = [line["learning_rate"] for line in trainer.state.log_history if "loss" in line]
    assert len(rates) == 20
    assert max(rates) <= 1e-2 * (1 + 1e-9)
    assert all(math.isfinite(rate) for rate in rates)
    if name == "cosine_with_min_lr":
        assert rates[-1] == pytest.approx(1e-3, rel=0.1)
    if name == "warmup_stable_decay":
        assert rates[10] == rates[15] == pytest.approx(1e-2)
        assert rates[-1] < 1e-2


def test_wrong_options_of_a_schedule_are_told_before_training(tmp_path):
    with pytest.raises(FindingsError) as raised:
        build(toy_config(tmp_path / "run", "hyperparams.lr_scheduler_kwargs={wings: 2}"))
    (found,) = raised.value.findings
    assert (found.code, found.where) == (
        "training.scheduler_options",
        "hyperparams.lr_scheduler_kwargs",
    )
    assert "wings" in found.message


@pytest.mark.parametrize("rows", [1, 7, 20])
@pytest.mark.parametrize(
    ("batch", "accumulation", "epochs"), [(2, 1, 2), (3, 2, 1), (4, 8, 1), (2, 3, 0.4)]
)
def test_steps_are_counted_as_the_trainer_counts_them(tmp_path, rows, batch, accumulation, epochs):
    args = arguments(
        tmp_path, f"hyperparams.batch_size_train={batch}", f"hyperparams.num_epochs={epochs}",
        f"hyperparams.gradient_accumulation={accumulation}",
    )  # fmt: skip
    for args.dataloader_drop_last in (False, True):
        batches = rows // batch if args.dataloader_drop_last else -(-rows // batch)
        updates = max(batches // accumulation + int(batches % accumulation > 0), 1)
        assert total_steps(args, rows) == math.ceil(epochs * updates)


def test_the_names_that_shape_the_weights_exist_here():
    from ft_runtime.training.arguments import _SHAPING

    assert set(_SHAPING) <= set(inspect.signature(TrainingArguments).parameters)
