"""Weights spread over two processes (FSDP 2) train, pause, fail and end as whole ones do."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch
from accelerate import ParallelismConfig
from safetensors.torch import load_file
from torch.distributed.fsdp import CPUOffloadPolicy
from transformers import AutoModel, LlamaForCausalLM

from ft_runtime import processes
from ft_runtime.devices import Device
from ft_runtime.findings import FindingsError
from ft_runtime.fit.estimate import gathered_bytes
from ft_runtime.runs import checkpoints
from ft_runtime.training import sharding, train, whole
from support import sharded, toy_training
from support.tiny import shared_tiny_model
from support.torchrun import launch
from support.toy_training import build, toy_config, toy_data, toy_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All the stories of `support.sharded`, told by two processes."""
    place = tmp_path_factory.mktemp("sharded")
    done = launch(sharded.__file__, place)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return place


def seen(folder, story):
    return [json.loads((folder / f"{story}.{rank}.json").read_text()) for rank in (0, 1)]


def alone(folder, *overrides, rows=20, **options):
    """Train in this one process, with the rows of two in each step."""
    trainer, run = build(toy_config(folder, *overrides), toy_data(train=rows), **options)
    return trainer, train(trainer, run)


def logged(trainer, name):
    return [line[name] for line in trainer.state.log_history if name in line]


def logits(model):
    with torch.no_grad():
        return model.eval()(input_ids=torch.arange(1, 9).unsqueeze(0)).logits[0]


SAME = {
    "lora": ([], {}),
    "full": (["tune_type=full"], {}),
    "tied": (["tune_type=full"], {"tied": True}),
    "uneven": (["hyperparams.gradient_accumulation=2"], {"rows": 13}),
    "small": (["hyperparams.gradient_accumulation=5"], {}),
    "few": (["hyperparams.optimizer=sgd"], {}),
}


@pytest.mark.parametrize("story", SAME)
def test_it_is_the_training_of_one_process(folder, tmp_path, story):
    """Losses, norms of gradients, counts, and the weights that come out, in their own names."""
    overrides, options = SAME[story]
    trainer, result = alone(tmp_path / "one", *overrides, dropout=0.0, **options)
    first, second = seen(folder, story)
    for name in ("loss", "grad_norm", "eval_loss"):
        got = first["logged"][name]
        assert got == second["logged"][name]
        assert got == pytest.approx(logged(trainer, name), rel=1e-4)
    assert first["tokens"] == result.tokens
    assert first["tensors"] == [result.trainable_tensors, result.changed_tensors]
    # Each process held half of every weight while it trained, and let nobody use that half alone.
    assert set(first["shares"]) == set(second["shares"]) == {0.5}
    assert first["refused"] == "training.fsdp_in_pieces"
    # Afterwards the caller's model is whole again, in the first process.
    assert first["same_object"]
    assert first["class"] == type(trainer.model).__name__
    torch.testing.assert_close(
        torch.tensor(first["logits"]), logits(trainer.model), rtol=0, atol=1e-4
    )
    trainer.model.save_pretrained(tmp_path / "saved")
    name = "adapter_model" if (tmp_path / "saved" / "adapter_config.json").exists() else "model"
    expected = load_file(tmp_path / "saved" / f"{name}.safetensors")
    got = load_file(folder / story / "saved" / f"{name}.safetensors")
    assert got.keys() == expected.keys()
    for key, tensor in expected.items():
        torch.testing.assert_close(got[key], tensor, rtol=0, atol=1e-4)


def test_bf16_is_that_of_one_process_within_its_rounding(folder, tmp_path, monkeypatch):
    device = Device(type="cpu", name="test CPU", precision="bf16", reason="")
    monkeypatch.setattr(toy_training, "CPU", device)
    trainer, _ = alone(tmp_path / "one", dropout=0.0)
    first, _ = seen(folder, "half")
    assert first["logged"]["loss"] == pytest.approx(logged(trainer, "loss"), rel=1e-3)
    assert first["tensors"] == [28, 28]


@pytest.mark.parametrize("story", ["lora", "full"])
def test_a_checkpoint_holds_whole_weights_that_anyone_can_load(folder, story):
    found, rejected = checkpoints.newest(folder / story / "checkpoints")
    assert (found.step, rejected) == (20, [])
    name = "adapter_model" if story == "lora" else "model"
    last = load_file(folder / story / "saved" / f"{name}.safetensors")
    kept = load_file(found.path / f"{name}.safetensors")
    assert kept.keys() == last.keys()
    assert all(torch.equal(kept[key], last[key]) for key in last)
    if story == "full":
        first, _ = seen(folder, story)
        model = LlamaForCausalLM.from_pretrained(found.path)
        torch.testing.assert_close(logits(model), torch.tensor(first["logits"]))


def test_a_signal_to_one_process_pauses_all_and_resuming_is_exact(folder):
    assert seen(folder, "paused") == [{"status": "paused", "step": 7}] * 2
    resumed = seen(folder, "resumed")
    assert [part["resumed_from"] for part in resumed] == [7, 7]
    assert resumed[0]["digest"] == seen(folder, "whole")[0]["digest"]
    assert resumed[0]["tokens"] == seen(folder, "whole")[0]["tokens"]


def test_all_weights_with_tied_ones_go_on_exactly(folder):
    assert seen(folder, "tied_paused") == [{"status": "paused", "step": 7}] * 2
    resumed = seen(folder, "tied_resumed")
    assert [part["resumed_from"] for part in resumed] == [7, 7]
    assert resumed[0]["digest"] == seen(folder, "tied")[0]["digest"]


@pytest.mark.parametrize(("story", "whole"), [("complete", "whole"), ("tied_complete", "tied")])
def test_a_run_that_is_complete_is_loaded_whole(folder, story, whole):
    first, second = seen(folder, story)
    expected, _ = seen(folder, whole)
    assert first["digest"] == expected["digest"]
    assert first["logits"] == expected["logits"]
    assert first["tensors"] == second["tensors"] == [expected["tensors"][0], None]


def test_a_loss_that_is_no_number_stops_all(folder):
    first, second = seen(folder, "nan")
    assert first == second
    codes = {(item["code"], item["where"]) for item in first["findings"]}
    assert codes == {("training.loss_not_finite", "step 8")}


def test_a_full_disk_stops_all_and_the_run_goes_on(folder):
    first, second = seen(folder, "disk")
    assert first == second
    assert first["findings"][0]["code"] == "training.disk_full"
    resumed = seen(folder, "disk_resumed")
    assert [part["resumed_from"] for part in resumed] == [5, 5]
    assert resumed[0]["digest"] == seen(folder, "whole")[0]["digest"]


def test_a_step_that_is_tried_leaves_no_trace(folder):
    """With dropout: a random number too many would show in the weights."""
    tried, whole = seen(folder, "tried")[0], seen(folder, "whole")[0]
    assert tried["digest"] == whole["digest"]
    assert tried["tokens"] == whole["tokens"]


@pytest.mark.parametrize("story", ["too_large", "too_large_backward", "too_large_for_one"])
def test_all_take_the_rung_that_one_of_them_needs(folder, tmp_path, story):
    first, second = seen(folder, story)
    assert (
        first["fit"] == second["fit"] == {"tokens_per_batch": 12, "gradient_checkpointing": False}
    )
    trainer, _ = alone(
        tmp_path / "one",
        "hyperparams.batch_size_train=8",
        "hyperparams.make_it_fit=off",
        dropout=0.0,
    )
    # Whatever was left of the step that broke off would be in the first gradient, or instead of it.
    for name in ("loss", "grad_norm", "eval_loss"):
        assert first["logged"][name] == pytest.approx(logged(trainer, name), rel=1e-4)


def test_what_does_not_fit_stops_all_with_what_can_be_done(folder):
    first, second = seen(folder, "stopped")
    assert first["findings"] == second["findings"]
    # Quantised weights are not spread: that way is not shown.
    assert [item["code"] for item in first["findings"]] == [
        "fit.too_large", "fit.tokens", "fit.checkpointing", "fit.length"
    ]  # fmt: skip


def test_a_process_that_runs_out_alone_tells_and_ends(tmp_path):
    """The other one waits for its weights, in the middle of the step that was tried."""
    done = launch(sharded.__file__, tmp_path, "memory")
    assert done.returncode == 1
    lost, short = (json.loads((tmp_path / f"alone.{rank}.json").read_text()) for rank in (0, 1))
    assert [item["code"] for item in lost["findings"]] == ["training.process_lost"]
    assert [item["code"] for item in short["findings"]][:2] == ["fit.too_large", "fit.tokens"]


def test_a_torch_that_cannot_give_up_a_step_is_known():
    model = torch.nn.Linear(1, 1)
    assert not sharding.can_forget(model)
    sharding.forget_step(model)
    asked = []
    model.reset_iter_state = lambda: asked.append(True)
    assert sharding.can_forget(model)
    sharding.forget_step(model)
    assert asked == [True]


def test_what_is_gathered_at_one_time_is_reckoned(monkeypatch):
    """The root's own weights, those of the two largest layers, and a gradient of one."""
    from torch.distributed import fsdp

    class Unit(torch.nn.Module):
        def __init__(self, numbers, trained, *inner):
            super().__init__()
            self.frozen = torch.nn.Parameter(torch.zeros(numbers - trained), requires_grad=False)
            self.trained = torch.nn.Parameter(torch.zeros(trained))
            self.inner = torch.nn.ModuleList(inner)

    monkeypatch.setattr(fsdp, "FSDPModule", Unit)
    model = Unit(100, 0, Unit(10, 1), Unit(30, 3), Unit(20, 2))
    assert gathered_bytes(model, half=True) == 2 * (100 + 30 + 20) + 4 * 3
    assert gathered_bytes(model, half=False) == 4 * (100 + 30 + 20) + 4 * 3
    assert gathered_bytes(torch.nn.Linear(2, 2), half=True) == 0


def test_whole_and_spread_weights_do_not_go_on_from_each_other(folder):
    first, second = seen(folder, "plain")
    assert first == second
    (item,) = first["findings"]
    assert (item["code"], item["where"]) == ("run.arguments_changed", "sharded")


def refused(trainer, config):
    with pytest.raises(FindingsError) as raised:
        sharding.prepare(trainer, config)
    return [item.code for item in raised.value.findings]


def asked(tmp_path, plugin, *overrides, **arguments):
    """A trainer that is to be spread, and its config."""
    values = {"fsdp_version": 2, "activation_checkpointing": False, "cpu_offload": None} | plugin
    mesh = values.pop("mesh", None)
    state = SimpleNamespace(fsdp_plugin=SimpleNamespace(**values))
    options = {"fp16": False, "fsdp": None, "optim": "adamw_torch", "torch_compile": False}
    trainer = SimpleNamespace(
        is_fsdp_enabled=True,
        args=SimpleNamespace(**(options | arguments)),
        accelerator=SimpleNamespace(state=state, parallelism_config=mesh),
        model=SimpleNamespace(is_quantized=False),
    )
    return trainer, toy_config(tmp_path, *overrides)


@pytest.mark.parametrize(
    ("plugin", "overrides", "arguments", "code"),
    [
        ({"fsdp_version": 1}, [], {}, "version"),
        ({"activation_checkpointing": True}, [], {}, "recomputed"),
        ({"cpu_offload": CPUOffloadPolicy()}, [], {}, "offload"),
        ({"mesh": ParallelismConfig(tp_size=2)}, [], {}, "mesh"),
        ({}, [], {"fp16": True}, "fp16"),
        ({}, [], {"optim": "adafactor"}, "optimizer"),
        ({}, [], {"optim": "paged_adamw_8bit"}, "optimizer"),
        ({}, [], {"torch_compile": True}, "compiled"),
        ({}, ["hyperparams.torch_compile=true"], {}, "compiled"),
        ({}, ["tune_type=qlora"], {}, "quantized"),
    ],
)
def test_what_is_not_proven_is_refused(tmp_path, plugin, overrides, arguments, code):
    trainer, config = asked(tmp_path, plugin, *overrides, **arguments)
    assert refused(trainer, config) == [f"training.fsdp_{code}"]


def test_all_that_is_refused_is_told_at_once(tmp_path):
    trainer, config = asked(tmp_path, {"fsdp_version": 1}, "tune_type=qlora", fp16=True)
    assert len(refused(trainer, config)) == 3


def test_layers_are_spread_one_by_one_and_embeddings_once(tmp_path):
    model = toy_model(toy_config(tmp_path))
    assert sharding.layer_names(model) == ["LlamaDecoderLayer"]
    encoder = AutoModel.from_pretrained(shared_tiny_model("encoder"))
    # Accelerate would spread these embeddings twice, and fail.
    assert "BertEmbeddings" in encoder._no_split_modules
    assert sharding.layer_names(encoder) == ["BertLayer"]


def test_there_is_nothing_to_spread_over_one_process(tmp_path, monkeypatch):
    trainer, config = asked(tmp_path, {})
    trainer.is_fsdp_enabled = False
    sharding.prepare(trainer, config)
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert refused(trainer, config) == ["training.fsdp_one_process"]


def test_a_trainer_spreads_its_weights_once():
    """Also one of other make, whose model could not be put together again."""
    trainer = SimpleNamespace(is_fsdp_enabled=True)
    with pytest.raises(FindingsError) as raised:
        sharding.check_ready(trainer)
    assert raised.value.findings[0].code == "training.fsdp_once"
    trainer.is_fsdp_enabled = False
    sharding.check_ready(trainer)


@pytest.mark.parametrize("kind", ["lora", "full", "tied"])
def test_a_skeleton_holds_no_weights_and_becomes_the_model(tmp_path, kind):
    config = toy_config(tmp_path, f"tune_type={'lora' if kind == 'lora' else 'full'}")
    model = toy_model(config, dropout=0.0, tied=kind == "tied")
    expected = logits(model)
    gradients = {name: weight.requires_grad for name, weight in model.named_parameters()}
    skeleton = whole.Skeleton(model)
    with torch.no_grad():
        # What is trained after the copy is what is filled in.
        for weight in model.parameters():
            weight.neg_()
        moved = logits(model)
    assert not torch.equal(moved, expected)
    held = model
    skeleton.fill(model, "cpu")
    assert torch.equal(logits(held), moved)
    assert {name: weight.requires_grad for name, weight in held.named_parameters()} == gradients
    embedded, head = held.get_input_embeddings().weight, held.get_output_embeddings().weight
    assert (embedded is head) == (kind == "tied")
    processes.refuse_pieces(held)


def test_a_checkpoint_of_another_model_is_not_loaded(tmp_path):
    model = toy_model(toy_config(tmp_path, "tune_type=full"))
    trainer = SimpleNamespace(model=model, args=SimpleNamespace(device="cpu"), skeleton=object())
    weights = dict(model.state_dict())
    torch.save(weights, tmp_path / whole.WEIGHTS)
    assert whole.is_ours(tmp_path)
    whole.load(trainer, tmp_path)
    assert trainer.skeleton is None
    del weights["model.norm.weight"]
    torch.save(weights, tmp_path / whole.WEIGHTS)
    with pytest.raises(RuntimeError, match="another model"):
        whole.load(trainer, tmp_path)


def test_a_gpu_that_is_too_small_for_the_whole_leaves_it_to_the_cpu(tmp_path, monkeypatch, capsys):
    config = toy_config(tmp_path)
    model = toy_model(config, dropout=0.0)
    expected = logits(model)
    callbacks = SimpleNamespace(optimizer=1, lr_scheduler=1, model=model)
    trainer = SimpleNamespace(
        model=model,
        model_wrapped=None,
        skeleton=whole.Skeleton(model),
        args=SimpleNamespace(device=torch.device("cuda")),
        accelerator=SimpleNamespace(free_memory=lambda: None),
        callback_handler=callbacks,
        optimizer=1,
        lr_scheduler=1,
    )
    monkeypatch.setattr("ft_runtime.memory.available", lambda _: 10_000)
    whole.make_whole(trainer)
    assert "training.whole_on_cpu" in capsys.readouterr().err
    assert torch.equal(logits(model), expected)
    assert (trainer.optimizer, trainer.skeleton) == (None, None)
