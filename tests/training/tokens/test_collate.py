"""Batches: padding hidden by its place, packed rows that cannot see each other."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ft_runtime as ft
from ft_runtime.tokens import (
    CausalCollator,
    LabelCollator,
    PackedCollator,
    check_packing,
    collator_for,
)
from ft_runtime.tokens.prepared import IGNORED
from support.tokens.dialects import CHATML
from support.tokens.tokenizers import byte_level, word_piece

PAD = 0
feature = st.integers(1, 12).flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "input_ids": st.lists(st.integers(0, 40), min_size=n, max_size=n),
            "labels": st.lists(st.sampled_from([IGNORED, PAD, 7]), min_size=n, max_size=n),
            "row": st.integers(1, 99),
        }
    )
)
batches = st.lists(feature, min_size=1, max_size=5)


@settings(deadline=None)
@given(batches, st.sampled_from([1, 8]))
def test_padding_stands_right_and_is_ignored_by_its_place(features, multiple):
    batch = CausalCollator(PAD, multiple)(features)
    assert set(batch) == {"input_ids", "attention_mask", "labels"}
    length = batch["input_ids"].shape[1]
    assert length % multiple == 0
    assert length - multiple < max(len(item["input_ids"]) for item in features) <= length
    for place, item in enumerate(features):
        count = len(item["input_ids"])
        fill = length - count
        assert batch["input_ids"][place].tolist() == item["input_ids"] + [PAD] * fill
        # A label equal to the pad token is a label all the same.
        assert batch["labels"][place].tolist() == item["labels"] + [IGNORED] * fill
        assert batch["attention_mask"][place].tolist() == [1] * count + [0] * fill


@settings(deadline=None)
@given(batches)
def test_packed_rows_lie_end_to_end(features):
    batch = PackedCollator()(features)
    assert batch.pop("use_cache") is False
    assert set(batch) == {"input_ids", "position_ids", "labels"}
    assert {tuple(value.shape) for value in batch.values()} == {
        (1, sum(len(item["input_ids"]) for item in features))
    }
    start = 0
    for item in features:
        stop = start + len(item["input_ids"])
        part = {name: value[0, start:stop].tolist() for name, value in batch.items()}
        assert part["input_ids"] == item["input_ids"]
        assert part["position_ids"] == list(range(stop - start))
        assert part["labels"] == [IGNORED, *item["labels"][1:]]
        start = stop


def config_for(format: str, packing: bool = False) -> Any:
    return ft.load_config(
        {
            "provider": "hf_local",
            "model_id": "./model",
            "tune_type": "lora",
            "dataset": {"path": "a.jsonl", "format": format},
            "hyperparams": {"packing": packing},
        }
    )


def test_each_task_has_its_collator():
    tokenizer = byte_level(CHATML)
    padded = collator_for(config_for("jsonl_chat"), tokenizer)
    assert isinstance(padded, CausalCollator)
    assert padded.pad_token_id == tokenizer.pad_token_id
    packed = collator_for(config_for("jsonl_chat", packing=True), tokenizer)
    assert isinstance(packed, PackedCollator)
    classes = collator_for(config_for("csv_classification"), word_piece())
    assert isinstance(classes, LabelCollator)
    batch = classes(
        [
            {"input_ids": [2, 9, 3], "labels": 1, "row": 1},
            {"input_ids": [2, 9, 9, 3], "labels": 0, "row": 2},
        ]
    )
    assert set(batch) == {"input_ids", "attention_mask", "labels"}
    assert batch["labels"].tolist() == [1, 0]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]


def llama(attention: str = "sdpa", **more: Any) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "vocab_size": 64,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "attn_implementation": attention,
        # So that attention matters enough to show a leak.
        "initializer_range": 0.4,
    }
    return LlamaForCausalLM(LlamaConfig(**{**shape, **more})).eval()


ROWS = [
    {"input_ids": [5, 6, 7, 8, 9], "labels": [IGNORED, IGNORED, 7, 8, 9], "row": 1},
    {"input_ids": [9, 3, 1], "labels": [9, 3, 1], "row": 2},
    {"input_ids": [5, 6, 7, 20, 21, 22, 23], "labels": [IGNORED] * 4 + [21, 22, 23], "row": 3},
]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_row_alone_and_packed_has_the_same_logits(attention):
    import torch

    model = llama(attention)
    batch = PackedCollator()(ROWS)
    with torch.no_grad():
        packed = model(**batch).logits[0]
        start = 0
        for row in ROWS:
            alone = model(input_ids=torch.tensor([row["input_ids"]])).logits[0]
            stop = start + len(row["input_ids"])
            torch.testing.assert_close(packed[start:stop], alone, rtol=1e-4, atol=1e-4)
            start = stop


def test_packed_and_padded_batches_have_the_same_loss_and_gradient():
    import torch

    def gradient(batch: dict[str, Any]) -> tuple[float, Any]:
        model = llama()
        loss = model(**batch).loss
        loss.backward()
        return loss.item(), model.model.embed_tokens.weight.grad

    # The first label of a row is never predicted; a padded batch must not count it either.
    rows = [{**row, "labels": [IGNORED, *row["labels"][1:]]} for row in ROWS]
    padded, packed = gradient(CausalCollator(PAD)(rows)), gradient(PackedCollator()(rows))
    assert math.isclose(padded[0], packed[0], rel_tol=1e-5)
    torch.testing.assert_close(padded[1], packed[1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_model_that_keeps_rows_apart_passes(attention):
    model = llama(attention).train()
    assert check_packing(model) == []
    assert model.training


def test_a_model_with_adapters_passes():
    from ft_runtime.compat import import_peft

    peft = import_peft()
    model = peft.get_peft_model(llama(), peft.LoraConfig(r=2, target_modules="all-linear"))
    assert check_packing(model) == []


def test_a_model_whose_layers_carry_a_state_is_refused():
    """A state-space model knows no positions: what came before leaks into the next row."""
    import torch
    from transformers import MambaConfig, MambaForCausalLM

    torch.manual_seed(0)
    shape = MambaConfig(
        vocab_size=64, hidden_size=16, state_size=4, num_hidden_layers=2, initializer_range=0.4
    )
    (found,) = check_packing(MambaForCausalLM(shape))
    assert found.severity == "error"
    assert found.code in ("tokens.packing_leaks", "tokens.packing_refused")
    assert found.where == "hyperparams.packing"


def test_a_model_that_ignores_positions_leaks():
    """The attention of this one is told to look at everything before."""
    model = llama()
    forward = model.forward

    def careless(input_ids: Any, position_ids: Any = None, use_cache: Any = None) -> Any:
        return forward(input_ids=input_ids)

    model.forward = careless
    (found,) = check_packing(model)
    assert found.code == "tokens.packing_leaks"


def test_a_model_that_takes_no_positions_is_refused():
    model = llama()
    forward = model.forward
    model.forward = lambda input_ids: forward(input_ids=input_ids)
    (found,) = check_packing(model)
    assert found.code == "tokens.packing_refused"
    assert "position_ids" in found.message


@pytest.mark.parametrize("packing", [False, True])
def test_a_trainer_takes_the_batches(tmp_path, packing):
    """transformers' own loop, training and evaluation, with what the collator puts in a batch."""
    from datasets import Dataset
    from transformers import Trainer, TrainingArguments

    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    dataset = Dataset.from_dict(columns)
    arguments = TrainingArguments(
        str(tmp_path),
        per_device_train_batch_size=2,
        max_steps=2,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    collator = PackedCollator() if packing else CausalCollator(PAD)
    trainer = Trainer(
        llama(), arguments, train_dataset=dataset, eval_dataset=dataset, data_collator=collator
    )
    assert math.isfinite(trainer.train().training_loss)
    assert math.isfinite(trainer.evaluate()["eval_loss"])
