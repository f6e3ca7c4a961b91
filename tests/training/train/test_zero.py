"""DeepSpeed, as far as it shows without it: what is asked, refused, written and put in order."""

from __future__ import annotations

import importlib.metadata
from types import SimpleNamespace

import pytest
import torch

from ft_runtime import compat, processes
from ft_runtime.findings import FindingsError
from ft_runtime.training import partitions, sharding, zero
from support.toy_training import build, toy_config, toy_model


def asking(tmp_path, deepspeed, *overrides, **arguments):
    """A trainer that is to use DeepSpeed, and its config."""
    options = {
        "fp16": False, "bf16": False, "optim": "adamw_torch", "torch_compile": False,
        "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4, "world_size": 2,
        "max_grad_norm": 1.0,
    }  # fmt: skip
    plugin = SimpleNamespace(
        deepspeed_config=deepspeed, hf_ds_config=SimpleNamespace(mismatches=["- ds a vs hf b"])
    )
    config = toy_config(tmp_path, *overrides)
    trainer = SimpleNamespace(
        is_fsdp_enabled=False,
        is_deepspeed_enabled=True,
        args=SimpleNamespace(**(options | arguments)),
        accelerator=SimpleNamespace(state=SimpleNamespace(deepspeed_plugin=plugin)),
        model=toy_model(config),
        way=SimpleNamespace(quick=SimpleNamespace(through=False)),
        skeleton=None,
    )
    return trainer, config


def refused(trainer, config):
    with pytest.raises(FindingsError) as raised:
        zero.prepare(trainer, config)
    return [item.code for item in raised.value.findings]


@pytest.fixture
def two(monkeypatch):
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "0")):
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("deepspeed", "overrides", "arguments", "code"),
    [
        ({"stage": 0}, [], {}, "stage"),
        ({"offload_optimizer": {"device": "cpu"}}, [], {}, "offload"),
        ({"offload_param": {"device": "nvme"}}, [], {}, "offload"),
        ({"zero_quantized_weights": True}, [], {}, "fields"),
        ({}, [], {"fp16": True}, "fp16"),
        ({}, [], {"optim": "adafactor"}, "optimizer"),
        ({}, [], {"optim": "paged_adamw_8bit"}, "optimizer"),
        ({}, [], {"torch_compile": True}, "compiled"),
        ({}, ["hyperparams.torch_compile=true"], {}, "compiled"),
        ({}, ["tune_type=qlora"], {}, "quantized"),
    ],
)
def test_what_is_not_proven_is_refused(two, tmp_path, deepspeed, overrides, arguments, code):
    asked = {"zero_optimization": {"stage": 2} | deepspeed}
    trainer, config = asking(tmp_path, asked, *overrides, **arguments)
    assert refused(trainer, config) == [f"training.deepspeed_{code}"]


@pytest.mark.parametrize("section", ["optimizer", "scheduler", "tensor_parallel", "amp"])
def test_a_section_that_changes_what_is_computed_is_named(two, tmp_path, section):
    trainer, config = asking(tmp_path, {"zero_optimization": {"stage": 2}, section: {}})
    with pytest.raises(FindingsError) as raised:
        zero.prepare(trainer, config)
    (item,) = raised.value.findings
    assert item.code == "training.deepspeed_fields"
    assert section in item.message


def test_all_that_is_refused_is_told_at_once(two, tmp_path):
    trainer, config = asking(tmp_path, {"fp8": {}}, "tune_type=qlora", fp16=True)
    assert len(refused(trainer, config)) == 4


def test_the_runs_config_decides_and_what_it_overrules_is_told(two, tmp_path, capsys):
    asked = {
        "zero_optimization": {"stage": 3, "offload_param": {"device": "none"}},
        "bf16": {"enabled": "auto"},
        "gradient_accumulation_steps": 8,
        "gradient_clipping": 0.5,
        "train_micro_batch_size_per_gpu": "auto",
    }
    trainer, config = asking(tmp_path, asked, bf16=True)
    zero.prepare(trainer, config)
    told = capsys.readouterr().err
    assert told.count("training.deepspeed_overruled") == 2
    assert "hyperparams.gradient_accumulation says 4" in told
    assert "hyperparams.max_grad_norm says 1.0" in told
    # One optimizer step is one of DeepSpeed's, whatever it is made of.
    assert asked["gradient_accumulation_steps"] == 1
    assert (asked["train_micro_batch_size_per_gpu"], asked["train_batch_size"]) == (2, 4)
    assert asked["gradient_clipping"] == 1.0
    # Weights that are trained stay float32, and their gradients are exchanged so.
    assert asked["bf16"] == asked["fp16"] == {"enabled": False}
    assert asked["torch_autocast"]["enabled"] is True
    assert asked["torch_autocast"]["lower_precision_safe_modules"] == []
    # transformers would refuse what was overruled.
    assert trainer.accelerator.state.deepspeed_plugin.hf_ds_config.mismatches == []
    assert trainer.way.quick.through
    assert sharding.is_sharded(trainer)
    assert sharding.shaping(trainer) == {"sharded": "zero3"}


def test_what_accelerate_writes_by_itself_is_not_told(two, tmp_path, capsys):
    asked = {"zero_optimization": {"stage": 2}, "gradient_accumulation_steps": 1}
    zero.prepare(*asking(tmp_path, asked))
    assert capsys.readouterr().err == ""


def test_there_is_nothing_to_divide_in_one_process(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "count", lambda: 1)
    trainer, config = asking(tmp_path, {"zero_optimization": {"stage": 2}})
    assert refused(trainer, config) == ["training.deepspeed_one_process"]


def test_deepspeed_that_accelerate_leaves_out_is_told(two, tmp_path, monkeypatch):
    trainer, config = asking(tmp_path, {})
    trainer.is_deepspeed_enabled = False
    zero.prepare(trainer, config)
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    assert refused(trainer, config) == ["training.deepspeed_not_used"]


@pytest.mark.parametrize(("version", "got"), [(None, "none"), ("0.18.9", "0.18.9")])
def test_deepspeed_that_is_missing_or_old_is_told(tmp_path, monkeypatch, version, got):
    find = importlib.metadata.version

    def installed(name):
        if name != "deepspeed":
            return find(name)
        if version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(importlib.metadata, "version", installed)
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    with pytest.raises(FindingsError) as raised:
        build(toy_config(tmp_path / "run"))
    (item,) = raised.value.findings
    assert item.code == "training.deepspeed_missing"
    assert f"0.19 or later is needed; here is {got}." in item.message


def test_deepspeed_of_our_tests_is_new_enough(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "0.19.8")
    assert compat.deepspeed_problem() is None


class Engine:
    """Writes down what is asked of it, as DeepSpeed's engine is asked."""

    def __init__(self):
        self.calls = []
        self.norm = None

    def set_gradient_accumulation_boundary(self, is_boundary):
        self.calls.append(f"last={is_boundary}")

    def backward(self, loss, scale_wrt_gas):
        assert scale_wrt_gas is False
        self.calls.append(f"backward {float(loss)}")

    def step(self):
        self.calls.append("step")
        self.norm = torch.tensor(3.0)

    def get_global_grad_norm(self):
        return self.norm


def test_a_step_is_taken_once_when_its_last_gradient_is_there():
    engine = Engine()
    steps = partitions.Steps(engine, lambda: engine.calls.append("check"))
    for loss, last in ((1.0, False), (2.0, True)):
        steps.backward(torch.tensor(loss), sync_gradients=last, scale_wrt_gas=False)
        if not last:
            assert steps.get_global_grad_norm() is None
    assert steps.get_global_grad_norm() == 3.0
    assert steps.get_global_grad_norm() == 3.0
    assert engine.calls == [
        "last=False", "backward 1.0", "last=True", "backward 2.0", "check", "step"
    ]  # fmt: skip


def test_what_is_wrong_with_a_step_is_raised_before_the_weights_move():
    engine = Engine()

    def check():
        raise ValueError("no number")

    steps = partitions.Steps(engine, check)
    steps.backward(torch.tensor(1.0), scale_wrt_gas=False)
    with pytest.raises(ValueError, match="no number"):
        steps.get_global_grad_norm()
    assert "step" not in engine.calls


@pytest.mark.parametrize("tune_type", ["lora", "full"])
def test_weights_are_gathered_by_their_names(tmp_path, tune_type):
    model = toy_model(toy_config(tmp_path, f"tune_type={tune_type}"), tied=True)
    found = partitions.gather(model, trained_only=tune_type == "lora")
    expected = model.state_dict()
    if tune_type == "lora":
        expected = {name: weight for name, weight in expected.items() if "lora_" in name}
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    # Copies: the training goes on while they are written.
    assert not {part.data_ptr() for part in found.values()} & {
        part.data_ptr() for part in model.parameters()
    }


def optimizer_of(weights):
    """AdamW over weights laid end to end, as ZeRO has it."""
    inner = torch.optim.AdamW([weights], lr=0.1)
    return SimpleNamespace(
        optimizer=inner, param_groups=inner.param_groups, single_partition_of_fp32_groups=[weights]
    )


def test_an_optimizer_goes_on_from_what_was_written(tmp_path):
    def trainer():
        weights = torch.ones(4, requires_grad=True)
        optimizer = optimizer_of(weights)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer.optimizer, 1, 0.5)
        return SimpleNamespace(
            model_wrapped=SimpleNamespace(optimizer=optimizer),
            lr_scheduler=schedule,
            weights=weights,
        )

    def step(trainer):
        trainer.weights.grad = torch.arange(4.0)
        trainer.model_wrapped.optimizer.optimizer.step()
        trainer.lr_scheduler.step()

    first = trainer()
    step(first)
    partitions.write(first, tmp_path / "checkpoint")
    second = trainer()
    second.weights.data.copy_(first.weights.data)
    partitions.load(second, tmp_path / "checkpoint")
    for each in (first, second):
        step(each)
    assert torch.equal(first.weights, second.weights)
    assert first.lr_scheduler.get_last_lr() == second.lr_scheduler.get_last_lr() == [0.025]
