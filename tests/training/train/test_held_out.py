"""The validation loss while training is the mean over its tokens, or rows, whatever the batches."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaForSequenceClassification

from ft_runtime.tokens.table import Table
from ft_runtime.training import build_trainer, training_arguments
from support import toy_training as toy


def test_a_token_of_a_short_batch_weighs_as_much_as_any_other(tmp_path):
    """Seven rows in batches of two: the last row is a batch of its own."""
    config = toy.toy_config(tmp_path, "hyperparams.batch_size_eval=2")
    data = toy.toy_data(val=7)
    trainer, _ = toy.build(config, data)
    assert trainer.args.eval_batch_size == 2
    model = trainer.model.eval()
    total = count = 0
    for row in data.val:
        ids, labels = torch.tensor([row["input_ids"]]), torch.tensor(row["labels"][1:])
        with torch.no_grad():
            logits = model(input_ids=ids).logits[0, :-1]
        total += float(torch.nn.functional.cross_entropy(logits, labels, reduction="sum"))
        count += int((labels != -100).sum())
    metrics = trainer.evaluate()
    assert metrics["eval_loss"] == pytest.approx(total / count, rel=1e-5)


def stacked(rows):
    return {name: torch.tensor([row[name] for row in rows]) for name in ("input_ids", "labels")}


def test_a_row_of_a_short_batch_weighs_as_much_as_any_other(tmp_path):
    """Five rows in batches of four."""
    overrides = ("hyperparams.batch_size_eval=4", "dataset.format=csv_classification")
    config = toy.toy_config(tmp_path, *overrides, "eval.metrics=[accuracy]")
    data = toy.toy_data(val=0)
    table = Table(classes=True)
    for number in range(5):
        table.add(number, [5 + number, 7, 9 + number], number % 2)
    data.val = data.train = table.dataset()
    torch.manual_seed(1)
    model = LlamaForSequenceClassification(toy.toy_model(config).config)
    run = toy.start_run(config, toy.CPU)
    args = training_arguments(config, toy.CPU, run, progress=False)
    trainer = build_trainer(config, model, args, toy.ToyTokenizer(), data, run)
    trainer.data_collator = stacked
    losses = []
    for row in data.val:
        with torch.no_grad():
            logits = model.eval()(input_ids=torch.tensor([row["input_ids"]])).logits
        losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor([row["labels"]])))
    metrics = trainer.evaluate()
    assert metrics["eval_loss"] == pytest.approx(float(sum(losses)) / 5, rel=1e-5)
