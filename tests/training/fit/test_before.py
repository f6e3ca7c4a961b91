"""Before the first step: an estimate, one real step, and the ladder."""

from __future__ import annotations

import gc
import json
import weakref

import pytest
import torch

from ft_runtime.config.schema import field_at
from ft_runtime.findings import FindingsError
from ft_runtime.fit import before, errors, estimate, is_out_of_memory, longest, rungs
from ft_runtime.runs import start
from ft_runtime.training import TrainingPaused, train
from support.toy_training import build, toy_config, toy_data, weights_digest

ROOMY = 1 << 50


def new_process():
    for run in start._open.values():
        run.close()
    start._open.clear()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def tried(monkeypatch):
    """Have a real step tried each time; the sizes of those that were."""
    sizes = []
    step = before.try_step

    def watch(trainer, model, part, beside):
        sizes.append(sum(len(row["input_ids"]) for row in part))
        step(trainer, model, part, beside)

    monkeypatch.setattr(before, "CLEAR", 0.0)
    monkeypatch.setattr(before, "try_step", watch)
    return sizes


class Small:
    """A machine whose memory holds so many tokens, fewer without recomputed activations."""

    def __init__(self, monkeypatch, tokens, plain=None):
        self.tokens, self.plain = tokens, tokens if plain is None else plain
        monkeypatch.setattr(before, "CLEAR", 0.0)

    def install(self, trainer):
        step = trainer.training_step

        def limited(model, inputs, *args, **kwargs):
            recomputed = trainer.model.is_gradient_checkpointing
            most = self.tokens if recomputed else self.plain
            for part in getattr(inputs, "parts", []):
                if sum(len(row["input_ids"]) for row in part) > most:
                    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
            return step(model, inputs, *args, **kwargs)

        trainer.training_step = limited


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("tune_type=full", "hyperparams.packing=false"),
        ("hyperparams.gradient_accumulation=2", "hyperparams.tokens_per_batch=16"),
        ("hyperparams.gradient_checkpointing=on",),
    ],
)
def test_the_trial_leaves_no_trace(tmp_path, overrides, tried):
    """With dropout: a random number too many would show in the weights."""
    trainer, run = build(toy_config(tmp_path / "off", *overrides, "hyperparams.make_it_fit=off"))
    plain = train(trainer, run)
    assert tried == []
    expected = weights_digest(trainer.model)
    trainer, run = build(toy_config(tmp_path / "ask", *overrides))
    result = train(trainer, run)
    assert len(tried) == 1
    assert weights_digest(trainer.model) == expected
    assert (result.tokens, result.supervised_tokens) == (plain.tokens, plain.supervised_tokens)
    losses = [
        [line["loss"] for line in lines(tmp_path / name / "metrics.jsonl") if "loss" in line]
        for name in ("off", "ask")
    ]
    assert losses[0] == losses[1]
    assert "fit" not in run.manifest


def test_the_longest_batch_is_the_one_that_is_tried(tmp_path, tried):
    data = toy_data(longest=40)
    sizes = sorted((len(row) for row in data.train["input_ids"]), reverse=True)
    trainer, run = build(toy_config(tmp_path / "run", "hyperparams.batch_size_train=4"), data)
    train(trainer, run)
    assert tried == [sum(sizes[:4])]
    assert longest.row_lengths(data.train) == [len(row) for row in data.train["input_ids"]]
    chosen = data.train.select([3, 1])
    assert longest.row_lengths(chosen) == [len(row) for row in chosen["input_ids"]]


def test_what_clearly_fits_is_not_tried(tmp_path, tried, monkeypatch):
    monkeypatch.setattr(before, "CLEAR", 0.5)
    monkeypatch.setattr("ft_runtime.memory.available", lambda device: ROOMY)
    trainer, run = build(toy_config(tmp_path / "run"))
    train(trainer, run)
    assert tried == []


def test_the_estimate_is_what_torch_keeps(tmp_path, monkeypatch):
    """Measured on 8 and 24 tokens, it holds for 60."""
    found = {}

    def look(trainer, model, run, lengths):
        row = {"row": 1, "input_ids": list(range(1, 61)), "labels": list(range(1, 61))}
        found["guess"] = estimate.estimate(trainer, model, row)
        kept = {}

        def pack(tensor):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor.detach()

        weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            with trainer._laid_out([row]) as batch:
                loss = trainer.compute_loss(model, batch, num_items_in_batch=torch.tensor(59))
        found["kept"] = sum(size for place, size in kept.items() if place not in weights)
        del loss

    monkeypatch.setattr(before, "make_it_fit", look)
    trainer, run = build(toy_config(tmp_path / "run", "tune_type=full"), dropout=0.0)
    train(trainer, run)
    trained = sum(p.numel() for p in trainer.model.parameters())
    activations = found["guess"].of(60) - found["guess"].of(0)
    constant = found["guess"].fixed - 12 * trained  # gradients 4, AdamW 8 bytes a weight
    assert 0 <= constant <= 0.1 * found["kept"]
    assert activations + constant == pytest.approx(found["kept"], rel=0.1)


def test_a_model_that_was_trained_can_be_let_go_of(tmp_path):
    """What looks at the tensors of the graph must not keep the graph, which keeps the weights."""
    trainer, run = build(toy_config(tmp_path / "run"))
    train(trainer, run)
    weights = [weakref.ref(weight) for weight in trainer.model.parameters()]
    run.close()
    del trainer, run
    gc.collect()
    assert not any(weight() is not None for weight in weights)


def test_a_step_that_does_not_fit_stops_with_what_can_be_done(tmp_path, monkeypatch):
    small = Small(monkeypatch, 30)
    data = toy_data(longest=40)
    trainer, run = build(toy_config(tmp_path / "run", "hyperparams.batch_size_train=4"), data)
    small.install(trainer)
    before_digest = weights_digest(trainer.model)
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    first, *ways = raised.value.findings
    assert (first.code, first.severity) == ("fit.too_large", "error")
    assert "CUDA out of memory" in first.message
    assert "hyperparams.make_it_fit: auto" in first.hint
    assert [way.code for way in ways] == [
        "fit.tokens", "fit.checkpointing", "fit.qlora", "fit.length"
    ]  # fmt: skip
    for way in ways:
        path, _, value = way.hint.partition(": ")
        assert path == way.where
        assert field_at(path) is not None
        assert value
    sizes = [len(row) for row in data.train["input_ids"]]
    limit = int(ways[-1].hint.split(": ")[1])
    lost = [size - limit for size in sizes if size > limit]
    assert f"{len(lost)} of {len(sizes)} training rows would be cut" in ways[-1].message
    assert f"lose {sum(lost)} tokens" in ways[-1].message
    assert weights_digest(trainer.model) == before_digest
    assert lines(run.path / "events.jsonl")[-1]["findings"][0]["code"] == "fit.too_large"
    assert run.status == "failed"


def test_auto_takes_what_leaves_the_result_as_it_is(tmp_path, monkeypatch, capsys):
    options = ("hyperparams.batch_size_train=4", "tune_type=full", "hyperparams.make_it_fit=auto")
    data = toy_data(longest=20)
    trainer, run = build(toy_config(tmp_path / "roomy", *options), data, dropout=0.0)
    train(trainer, run)
    expected = [line["loss"] for line in trainer.state.log_history if "loss" in line]

    small = Small(monkeypatch, 25)
    trainer, run = build(toy_config(tmp_path / "run", *options), data, dropout=0.0)
    small.install(trainer)
    capsys.readouterr()
    train(trainer, run)
    found = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert found == pytest.approx(expected, rel=1e-4)
    assert trainer.budget <= 25
    taken = json.loads((run.path / "manifest.json").read_text())["fit"]
    assert taken == {"tokens_per_batch": trainer.budget, "gradient_checkpointing": False}
    told = capsys.readouterr().err
    assert "fit.taken" in told
    assert "Fewer tokens in one forward pass" in told
    events = [line for line in lines(run.path / "events.jsonl") if line.get("code") == "fit.taken"]
    assert events


def test_auto_recomputes_activations_when_smaller_batches_are_not_enough(tmp_path, monkeypatch):
    small = Small(monkeypatch, 100, plain=2)
    trainer, run = build(toy_config(tmp_path / "run", "hyperparams.make_it_fit=auto"))
    small.install(trainer)
    train(trainer, run)
    assert trainer.model.is_gradient_checkpointing
    assert run.manifest["fit"]["gradient_checkpointing"] is True


def test_auto_leaves_what_changes_the_result_to_the_user(tmp_path, monkeypatch):
    small = Small(monkeypatch, 2)
    trainer, run = build(toy_config(tmp_path / "run", "hyperparams.make_it_fit=auto"))
    small.install(trainer)
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    assert [item.code for item in raised.value.findings] == [
        "fit.too_large", "fit.qlora", "fit.length"
    ]  # fmt: skip


def test_a_resumed_run_keeps_to_the_rungs(tmp_path, monkeypatch):
    options = ("hyperparams.batch_size_train=4", "hyperparams.make_it_fit=auto")
    data = toy_data(longest=20)
    small = Small(monkeypatch, 25)

    def sitting(folder, pause=None):
        new_process()
        trainer, run = build(toy_config(folder, *options), data)
        small.install(trainer)
        if pause:
            stop = next(c for c in trainer.callback_handler.callbacks if hasattr(c, "stop")).stop
            trainer.train_collator = _stopping(trainer, trainer.train_collator, stop, pause)
            with pytest.raises(TrainingPaused):
                train(trainer, run)
        else:
            train(trainer, run)
        return trainer

    whole = sitting(tmp_path / "whole")
    sitting(tmp_path / "run", pause=3)
    # More memory the next time: the run goes on as it began.
    small.plain = small.tokens = 1000
    resumed = sitting(tmp_path / "run")
    assert resumed.budget == whole.budget
    assert weights_digest(resumed.model) == weights_digest(whole.model)


def _stopping(trainer, collate, stop, step):
    def watch(part):
        if trainer.state.global_step + 1 == step:
            stop.request()
        return collate(part)

    return watch


def test_a_run_may_go_on_with_less_memory_by_word_of_the_user(tmp_path):
    from transformers import TrainerCallback

    class Stop(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == 5:
                ours = trainer.callback_handler.callbacks
                next(c for c in ours if hasattr(c, "stop")).stop.request()

    trainer, run = build(toy_config(tmp_path / "run"))
    trainer.add_callback(Stop())
    with pytest.raises(TrainingPaused):
        train(trainer, run)
    new_process()
    trainer, run = build(
        toy_config(
            tmp_path / "run", "hyperparams.tokens_per_batch=16",
            "hyperparams.gradient_checkpointing=on", "hyperparams.make_it_fit=auto",
        )
    )  # fmt: skip
    assert train(trainer, run).resumed_from == 6


def test_what_the_system_would_end_is_not_tried(tmp_path, tried, monkeypatch):
    monkeypatch.setattr("ft_runtime.memory.available", lambda device: 1000)
    trainer, run = build(toy_config(tmp_path / "run"))
    with pytest.raises(FindingsError) as raised:
        train(trainer, run)
    assert tried == []
    assert raised.value.findings[0].code == "fit.too_large"
    assert "the system ends a process" in raised.value.findings[0].message


def test_an_unexpected_error_of_the_trial_is_no_lack_of_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(before, "CLEAR", 0.0)
    trainer, run = build(toy_config(tmp_path / "run"))
    monkeypatch.setattr(trainer, "training_step", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(trainer, run)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("x"), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
        (KeyError("x"), False),
    ],
)
def test_a_lack_of_memory_is_told_from_other_errors(error, expected):
    assert is_out_of_memory(error) is expected
    try:
        raise KeyError("behind") from error
    except KeyError as wrapped:
        assert is_out_of_memory(wrapped) is expected
    assert errors.first_line(RuntimeError("a\nb")) == "a"
    assert errors.first_line(MemoryError()) == "MemoryError"


def test_no_rung_is_offered_that_is_taken_already(tmp_path):
    config = toy_config(
        tmp_path / "run", "hyperparams.tokens_per_batch=8", "hyperparams.gradient_checkpointing=on"
    )
    trainer, _ = build(config)
    found = rungs(trainer, config, longest.row_lengths(trainer.train_dataset), None)
    assert [rung.kind for rung in found] == ["qlora", "length"]
