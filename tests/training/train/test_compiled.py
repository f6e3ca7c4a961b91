"""torch.compile as an option: the same training, ordinary names, and told what it costs."""

from __future__ import annotations

import json
import logging

import pytest
import torch
from torch._dynamo.utils import counters

from ft_runtime.findings import subscribed
from ft_runtime.runs import start
from ft_runtime.training import TrainingPaused, compiled, train
from ft_runtime.training.compiled import CompiledLayers, repeated_layers
from support.toy_training import build, toy_config, toy_model

ON = "hyperparams.torch_compile=true"
SHORT = ("hyperparams.max_steps=6", "lora.dropout=0.1")
# Adam would make a whole step of the last digit of a gradient that is nearly zero.
EXACT = (*SHORT, "hyperparams.optimizer=sgd", "hyperparams.learning_rate=1")


@pytest.fixture(autouse=True)
def _without_a_cpp_compiler(monkeypatch):
    """Find the graphs for real, and run them as they are."""
    monkeypatch.setattr(compiled, "BACKEND", "eager")
    torch.compiler.reset()
    counters.clear()
    yield
    torch.compiler.reset()


def losses(trainer):
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


def told_of(config, **options):
    told = []
    trainer, run = build(config, **options)
    with subscribed(told.append):
        train(trainer, run)
    return trainer, run, {item.code: item for item in told}


def test_a_compiled_training_is_the_plain_one(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")  # its backward pass is a graph, too
    plain, _, _ = told_of(toy_config(tmp_path / "plain", *EXACT))
    assert not counters["stats"]
    found, run, told = told_of(toy_config(tmp_path / "compiled", *EXACT, ON))
    assert counters["stats"]["unique_graphs"] > 1
    assert losses(found) == pytest.approx(losses(plain), rel=1e-5)
    assert list(found.model.state_dict()) == list(plain.model.state_dict())
    for (name, one), (_, other) in zip(
        plain.model.named_parameters(), found.model.named_parameters(), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, msg=name)
    # The warm-up is measured, told and recorded.
    record = json.loads((run.path / "manifest.json").read_text())["compiled"]
    assert set(record) == {"seconds", "before", "after"}
    assert min(record.values()) > 0
    assert "warm-up took" in told["training.compiled"].message
    assert "training.recompile_limit" not in told
    # Whoever has the model afterwards has the plain layers.
    assert not any("forward" in vars(module) for module in found.model.modules())
    before = counters["frames"]["total"]
    with torch.no_grad():
        found.model(input_ids=torch.tensor([[1, 2, 3]]))
    assert counters["frames"]["total"] == before


def test_micro_batches_of_many_lengths_are_compiled_once(tmp_path):
    few = ("hyperparams.tokens_per_batch=16", "hyperparams.batch_size_train=4")
    told_of(toy_config(tmp_path / "short", "hyperparams.max_steps=2", *few, ON))
    once = counters["stats"]["unique_graphs"]
    torch.compiler.reset()
    counters.clear()
    told_of(toy_config(tmp_path / "long", "hyperparams.max_steps=10", *few, ON))
    assert counters["stats"]["unique_graphs"] == once


@pytest.mark.parametrize(
    "more",
    [
        ("hyperparams.gradient_checkpointing=on", "tune_type=full"),
        ("hyperparams.packing=false", "hyperparams.make_it_fit=off"),
    ],
)
def test_it_goes_together_with(tmp_path, more):
    plain, _, _ = told_of(toy_config(tmp_path / "plain", "hyperparams.max_steps=3", *more))
    found, _, told = told_of(toy_config(tmp_path / "found", "hyperparams.max_steps=3", *more, ON))
    assert "training.compiled" in told
    assert losses(found) == pytest.approx(losses(plain), rel=1e-5)


def test_names_in_checkpoints_are_ordinary_and_a_run_goes_on(tmp_path):
    from safetensors.torch import load_file
    from transformers import TrainerCallback

    whole, _, _ = told_of(toy_config(tmp_path / "whole", *SHORT, ON))

    class Stop(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == 2:
                ours = half.callback_handler.callbacks
                next(c for c in ours if hasattr(c, "stop")).stop.request()

    config = toy_config(tmp_path / "run", *SHORT, ON)
    half, run = build(config)
    half.add_callback(Stop())
    with pytest.raises(TrainingPaused):
        train(half, run)
    names = load_file(run.checkpoint.path / "adapter_model.safetensors")
    assert names
    assert not any("_orig_mod" in name for name in names)
    run.close()
    start._open.clear()
    torch.compiler.reset()
    rest, run = build(config)
    assert train(rest, run).resumed_from == 3
    assert losses(rest) == pytest.approx(losses(whole), rel=1e-5)


def test_without_a_compiler_the_run_goes_on_and_says_what_to_type(tmp_path, monkeypatch):
    def broken(graph, inputs):
        raise RuntimeError("No working C++ compiler found")

    monkeypatch.setattr(compiled, "BACKEND", broken)
    plain, _, _ = told_of(toy_config(tmp_path / "plain", *SHORT))
    found, run, told = told_of(toy_config(tmp_path / "run", *SHORT, ON))
    problem = told["training.not_compiled"]
    assert problem.severity == "warning"
    assert "No working C++ compiler found" in problem.message
    assert "g++" in problem.hint
    assert "torch_compile: false" in problem.hint
    assert "training.compiled" not in told
    assert found.compiled is None
    assert losses(found) == losses(plain)
    assert "compiled" not in json.loads((run.path / "manifest.json").read_text())


def test_a_compiler_that_computes_something_else_is_left_out(tmp_path, monkeypatch):
    class Off(CompiledLayers):
        def __init__(self, model):
            super().__init__(model)
            self._forwards = [_twice(layer.forward) for layer in self.layers]

    monkeypatch.setattr("ft_runtime.training.compile_trial.CompiledLayers", Off)
    plain, _, _ = told_of(toy_config(tmp_path / "plain", *SHORT))
    found, _, told = told_of(toy_config(tmp_path / "run", *SHORT, ON))
    reason = told["training.not_compiled"].message
    assert "its loss was" in reason or "the norm of its gradient was" in reason
    assert losses(found) == losses(plain)


def _twice(forward):
    def other(*args, **kwargs):
        return forward(*args, **kwargs) * -3

    return other


def test_layers_are_the_members_of_the_outermost_lists(tmp_path):
    model = toy_model(toy_config(tmp_path / "run"))
    assert [type(layer).__name__ for layer in repeated_layers(model)] == ["LlamaDecoderLayer"] * 2
    assert repeated_layers(torch.nn.Linear(2, 2)) == []


def test_a_model_without_layers_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "repeated_layers", lambda model: [])
    _, _, told = told_of(toy_config(tmp_path / "run", *SHORT, ON))
    assert "no list of layers" in told["training.not_compiled"].message


def test_the_limit_of_compiling_anew_is_told_once(tmp_path):
    told = []
    layers = CompiledLayers(toy_model(toy_config(tmp_path / "run")))
    log = logging.getLogger("torch._dynamo.convert_frame")
    with subscribed(told.append), layers.on():
        for _ in range(2):
            log.warning("torch._dynamo hit config.recompile_limit (%s)", 8)
    log.warning("torch._dynamo hit config.recompile_limit (8)")
    assert [item.code for item in told] == ["training.recompile_limit"]
