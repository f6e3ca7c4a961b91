"""One optimizer step takes the mean over its tokens, however the rows are cut into batches."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    MixtralConfig,
    MixtralForCausalLM,
    TrainerCallback,
)  # fmt: skip

from ft_runtime.config import load_config
from ft_runtime.runs import start_run
from ft_runtime.tokens.collate import CausalCollator
from ft_runtime.tokens.prepared import PreparedData
from ft_runtime.tokens.table import Table
from ft_runtime.training import build_trainer, train, training_arguments
from ft_runtime.training.losses import row_loss, token_loss
from ft_runtime.training.microbatches import cut as split
from ft_runtime.training.microbatches import raw_rows, supervised_of
from ft_runtime.training.shares import SPARE
from support.toy_training import CPU, ToyTokenizer, build, toy_config, toy_data, toy_model

CUTS = [(4, 1), (2, 2), (1, 4), (3, 2)]


class Gradients(TrainerCallback):
    """The gradients of the first optimizer step, before anything clips or uses them."""

    def __init__(self):
        self.found = {}

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        if not self.found:
            for name, tensor in model.named_parameters():
                if tensor.grad is not None:
                    self.found[name] = tensor.grad.detach().clone()


def first_step(trainer, run):
    watch = Gradients()
    trainer.add_callback(watch)
    train(trainer, run)
    first = next(line for line in trainer.state.log_history if "loss" in line)
    return watch.found, first["loss"]


def cut(rows, accumulation):
    return (
        f"hyperparams.batch_size_train={rows}",
        f"hyperparams.gradient_accumulation={accumulation}",
        "hyperparams.max_steps=1",
        "hyperparams.max_grad_norm=0",
        "artifacts.save_strategy=no",
    )


@pytest.mark.parametrize("packing", ["false", "true"])
def test_tokens_of_a_step_weigh_the_same_however_they_are_batched(tmp_path, packing):
    data = toy_data(train=4)
    expected, expected_loss = independent_causal(data)
    for rows, accumulation in CUTS:
        config = toy_config(
            tmp_path / f"{rows}x{accumulation}", *cut(rows, accumulation), "tune_type=full",
            f"hyperparams.packing={packing}",
        )  # fmt: skip
        found, loss = first_step(*build(config, data, dropout=0.0))
        assert loss == pytest.approx(expected_loss, rel=1e-5)
        assert found.keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


def independent_causal(data):
    """Row by row, by hand: the sum of -log p over all supervised tokens, divided by their number."""
    model = toy_model(toy_config("unused", "tune_type=full"), dropout=0.0)
    total, count = torch.tensor(0.0), 0
    for row in data.train:
        logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0]
        for place in range(1, len(row["labels"])):
            label = row["labels"][place]
            if label != -100:
                total = total - torch.log_softmax(logits[place - 1], -1)[label]
                count += 1
    (total / count).backward()
    gradients = {name: tensor.grad for name, tensor in model.named_parameters()}
    return gradients, float(total.detach()) / count


def bert():
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        num_labels=3, pad_token_id=0,
    )  # fmt: skip
    return BertForSequenceClassification(shape)


def labelled():
    random = torch.Generator().manual_seed(1)
    tables = {split: Table(classes=True) for split in ("train", "val", "test")}
    for number in range(1, 5):
        ids = torch.randint(1, 64, (3 + number,), generator=random).tolist()
        tables["train"].add(number, ids, number % 3)
    datasets = {split: table.dataset() for split, table in tables.items()}
    return PreparedData(**datasets, ledger=None, examples={}, label_names=["a", "b", "c"])


def test_rows_of_a_classifier_weigh_the_same_however_they_are_batched(tmp_path, monkeypatch):
    """BERT's own head takes the mean of each batch, whatever the Trainer tells it."""
    from ft_runtime.tokens import collate

    class Padding:
        def __call__(self, features):
            longest = max(len(f["input_ids"]) for f in features)
            ids = [f["input_ids"] + [0] * (longest - len(f["input_ids"])) for f in features]
            mask = [
                [1] * len(f["input_ids"]) + [0] * (longest - len(f["input_ids"])) for f in features
            ]
            labels = torch.tensor([f["labels"] for f in features])
            return {
                "input_ids": torch.tensor(ids),
                "attention_mask": torch.tensor(mask),
                "labels": labels,
            }

    monkeypatch.setattr(collate, "collator_for", lambda config, tokenizer: Padding())
    data = labelled()
    model = bert()
    losses = []
    for row in data.train:
        logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0]
        losses.append(-torch.log_softmax(logits, -1)[row["labels"]])
    mean = torch.stack(losses).mean()
    mean.backward()
    expected = {n: t.grad for n, t in model.named_parameters() if t.grad is not None}

    for rows, accumulation in CUTS:
        config = load_config(
            {
                "model_id": "toy",
                "tune_type": "full",
                "dataset": {"path": "toy.csv", "format": "csv_classification"},
                "hyperparams": {
                    "batch_size_train": rows, "gradient_accumulation": accumulation, "max_steps": 1,
                    "max_grad_norm": 0, "learning_rate": 1e-3,
                },
                "artifacts": {"output_dir": str(tmp_path / f"{rows}"), "save_strategy": "no"},
                "logs": "none",
            }
        )  # fmt: skip
        run = start_run(config, CPU)
        args = training_arguments(config, CPU, run, progress=False)
        trainer = build_trainer(config, bert(), args, ToyTokenizer(), data, run)
        found, loss = first_step(trainer, run)
        assert loss == pytest.approx(float(mean.detach()), rel=1e-5)
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


def test_an_architecture_that_knows_nothing_of_the_step_is_corrected(tmp_path):
    """Without the token count a model takes the mean of each batch: short batches weigh too much."""
    data = toy_data(train=4)
    expected, expected_loss = independent_causal(data)
    config = toy_config(tmp_path / "run", *cut(2, 2), "tune_type=full")
    run = start_run(config, CPU)
    args = training_arguments(config, CPU, run, progress=False)
    model = toy_model(config, dropout=0.0)
    model.accepts_loss_kwargs = False
    trainer = build_trainer(config, model, args, ToyTokenizer(), data, run)
    found, loss = first_step(trainer, run)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6)


def test_the_losses_are_those_of_the_textbook():
    logits = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[-100, 1, 2, -100, 3], [-100, -100, 4, -100, -100]])
    terms = [
        -torch.log_softmax(logits[row, place - 1], -1)[labels[row, place]]
        for row, place in ((0, 1), (0, 2), (0, 4), (1, 2))
    ]
    total = torch.stack(terms).sum()
    outputs = {"logits": logits}
    torch.testing.assert_close(token_loss(outputs, labels), total / 4)
    torch.testing.assert_close(token_loss(outputs, labels, 10), total / 10)
    torch.testing.assert_close(token_loss(outputs, labels, torch.tensor(10)), total / 10)
    rows = {"logits": logits[0]}
    classes = torch.tensor([0, 1, 2, 3, 4])
    picked = -torch.log_softmax(logits[0], -1)[torch.arange(5), classes]
    torch.testing.assert_close(row_loss(rows, classes), picked.mean())
    torch.testing.assert_close(row_loss(rows, classes, 8), picked.sum() / 8)


def test_smoothed_labels_are_smoothed_for_classes_and_for_older_architectures(tmp_path):
    """The Trainer leaves its own smoothing out where it is given a loss."""
    logits = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[-100, 1, 2, -100, 3], [-100, -100, 4, -100, -100]])
    chances = torch.log_softmax(logits, -1)
    terms = [
        -0.9 * chances[row, place - 1][labels[row, place]] - 0.1 * chances[row, place - 1].mean()
        for row, place in ((0, 1), (0, 2), (0, 4), (1, 2))
    ]
    config = toy_config(tmp_path / "run", "tune_type=full")
    run = start_run(config, CPU)
    args = training_arguments(config, CPU, run, progress=False)
    args.label_smoothing_factor = 0.1
    model = toy_model(config, dropout=0.0)
    model.accepts_loss_kwargs = False
    trainer = build_trainer(config, model, args, ToyTokenizer(), toy_data(), run)
    found = trainer.compute_loss_func({"logits": logits}, labels, num_items_in_batch=8)
    torch.testing.assert_close(found, torch.stack(terms).sum() / 8)
    classes = torch.tensor([0, 1, 2, 3, 4])
    picked = -0.9 * chances[0, torch.arange(5), classes] - 0.1 * chances[0].mean(-1)
    smoothed = row_loss({"logits": logits[0]}, classes, smoothing=0.1)
    torch.testing.assert_close(smoothed, picked.mean())


def test_a_loss_that_is_set_by_hand_is_what_is_trained(tmp_path):
    data = toy_data(train=4)
    config = toy_config(tmp_path / "run", *cut(2, 2), "tune_type=full")
    expected, expected_loss = independent_causal(data)
    trainer, run = build(config, data, dropout=0.0)
    assert trainer.way.quick is not None

    def doubled(outputs, labels, num_items_in_batch=None):
        return 2 * token_loss(outputs, labels, num_items_in_batch)

    trainer.compute_loss_func = doubled
    found, loss = first_step(trainer, run)
    assert loss == pytest.approx(2 * expected_loss, rel=1e-5)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], 2 * gradient, rtol=1e-4, atol=1e-6)


def test_each_process_takes_its_own_mean_where_that_is_asked_for(tmp_path, monkeypatch):
    """As the Trainer does; a sum over all, divided once more by DDP, would be too small."""
    data = toy_data(train=4)
    trainer, _ = build(toy_config(tmp_path / "run", *cut(4, 1)), data)
    monkeypatch.setattr(type(trainer.args), "world_size", 2)
    monkeypatch.setattr(trainer.accelerator, "gather", lambda each: torch.stack([each, 2 * each]))
    supervised = sum(map(supervised_of, data.train))
    for together, count in ((True, 3 * supervised), (False, supervised)):
        trainer.args.average_tokens_across_devices = together
        batches = iter([raw_rows(list(data.train))])
        _, items = trainer.get_batch_samples(batches, 1, trainer.args.device)
        assert items == count


def test_rows_are_nobody_elses_where_batches_that_are_not_full_are_left_out(tmp_path, monkeypatch):
    """Of 10 rows two processes take 2 batches of 2 each; nothing is filled up in any epoch."""
    data = toy_data(train=10)
    trainer, _ = build(toy_config(tmp_path / "run", *cut(2, 1)), data)
    monkeypatch.setattr(type(trainer.args), "world_size", 2)
    monkeypatch.setattr(type(trainer.args), "process_index", 1)
    monkeypatch.setattr(trainer.accelerator, "gather", lambda each: torch.stack([each, each]))
    rows = list(data.train)[2:4]
    for leaving_out, kept in ((True, 2), (False, 0)):
        trainer.args.dataloader_drop_last = leaving_out
        trainer.state.global_step = 2  # the first of the second epoch, or the last of the first
        steps, _ = trainer.get_batch_samples(iter([raw_rows(rows)]), 1, trainer.args.device)
        trained = [row for part in steps[-1].parts for row in part if SPARE not in row]
        assert len(trained) == kept


@pytest.mark.parametrize("budget", [8, 4096])
def test_what_keeps_experts_busy_weighs_the_same_however_a_step_is_cut(tmp_path, budget):
    """Each micro-batch has its share of it, by its tokens, and not the whole."""
    experts = MixtralConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, num_local_experts=4,
        output_router_logits=True, router_aux_loss_coef=0.5, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = MixtralForCausalLM(experts)
    data = toy_data(train=4)
    rows = list(data.train)
    config = toy_config(
        tmp_path / "run", *cut(4, 1), "tune_type=full", f"hyperparams.tokens_per_batch={budget}"
    )
    run = start_run(config, CPU)
    args = training_arguments(config, CPU, run, progress=False)
    trainer = build_trainer(config, model, args, ToyTokenizer(), data, run)
    assert trainer.way.balanced
    parts = split(rows, budget, not trainer.way.packed)
    assert len(parts) == (4 if budget == 8 else 1)
    twin = copy.deepcopy(model)
    every = sum(map(supervised_of, rows))
    expected = 0.0
    for part in parts:
        batch = CausalCollator(0)(part)
        outputs = twin(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        places = (batch["labels"][:, 1:] != -100).nonzero()
        for row, place in places.tolist():
            chances = torch.log_softmax(outputs.logits[row, place], -1)
            expected = expected - chances[batch["labels"][row, place + 1]] / every
        if len(part) == 1:
            expected = expected + 0.5 * outputs.aux_loss * len(places) / every
    if budget == 8:
        expected.backward()
        found, loss = first_step(trainer, run)
        assert loss == pytest.approx(float(expected.detach()), rel=1e-5)
        for name, gradient in found.items():
            wanted = twin.get_parameter(name).grad
            torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-6)
    else:
        _, loss = first_step(trainer, run)
        # Four rows in one: the whole of it, once. At its least it is the experts of a token: two.
        assert loss - float(expected.detach()) == pytest.approx(0.5 * 2, rel=0.1)
