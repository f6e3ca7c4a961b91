"""The rows of a step are cut by tokens; which rows, and with what weight, stays the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ft_runtime.config import load_config
from ft_runtime.runs import start_run
from ft_runtime.training import build_trainer, train, training_arguments
from ft_runtime.training.microbatches import (
    CPU_TOKENS,
    GPU_TOKENS,
    Step,
    automatic_budget,
    cut,
    length_of,
    supervised_of,
)  # fmt: skip
from support.toy_training import (
    CPU,
    ToyTokenizer,
    build,
    toy_config,
    toy_data,
    toy_model,
    weights_digest,
)  # fmt: skip


def rows_of(lengths):
    return [{"input_ids": [1] * length, "row": place} for place, length in enumerate(lengths)]


@given(
    lengths=st.lists(st.integers(1, 50), max_size=30),
    budget=st.integers(1, 120),
    padded=st.booleans(),
)
def test_every_row_is_in_one_micro_batch_that_keeps_to_the_budget(lengths, budget, padded):
    rows = rows_of(lengths)
    parts = cut(rows, budget, padded)
    assert sorted(row["row"] for part in parts for row in part) == list(range(len(rows)))
    ordered = [(length_of(row), row["row"]) for part in parts for row in part]
    assert ordered == sorted(ordered)
    for part in parts:
        sizes = [length_of(row) for row in part]
        cost = len(sizes) * max(sizes) if padded else sum(sizes)
        assert part
        assert cost <= budget or len(part) == 1
    assert cut(rows, budget, padded) == parts


def test_micro_batches_are_of_like_size():
    parts = cut(rows_of([10] * 21), 100)
    assert [len(part) for part in parts] == [7, 7, 7]


def test_a_row_longer_than_the_budget_is_alone():
    parts = cut(rows_of([5, 300, 5]), 64)
    assert [[length_of(row) for row in part] for part in parts] == [[5, 5], [300]]


def test_the_tokens_that_count_are_those_that_are_predicted():
    assert supervised_of({"labels": [7, -100, 8, 9]}) == 2
    assert supervised_of({"labels": 3}) == 1
    assert Step([rows_of([3, 4]), rows_of([5])]).tokens == 12


@pytest.mark.parametrize(
    ("device", "rows", "longest", "tokens"),
    [
        ("cpu", 8, 1024, CPU_TOKENS), ("cpu", 1, 8192, CPU_TOKENS), ("cuda", 8, 1024, 8192),
        ("cuda", 64, 1024, GPU_TOKENS), ("cuda", 1, 256, CPU_TOKENS), ("mps", 4, 1024, 4096),
    ],
)  # fmt: skip
def test_the_automatic_budget(device, rows, longest, tokens):
    assert automatic_budget(device, rows, longest) == tokens


def losses(trainer):
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


@pytest.mark.parametrize("packing", ["auto", "false"])
def test_the_budget_changes_nothing_but_rounding(tmp_path, packing):
    """A row of 4 to 12 tokens: each alone, some together, and the whole step at once."""
    curves = []
    for budget in (8, 24, 4096):
        overrides = (
            f"hyperparams.tokens_per_batch={budget}", "hyperparams.gradient_accumulation=2",
            f"hyperparams.packing={packing}", "lora.dropout=0.0", "artifacts.save_strategy=no",
        )  # fmt: skip
        trainer, run = build(toy_config(tmp_path / str(budget), *overrides), dropout=0.0)
        assert trainer.budget == budget
        assert trainer.way.packed is (packing == "auto")
        result = train(trainer, run)
        curves.append((losses(trainer), result.tokens, result.supervised_tokens))
    for curve, tokens, supervised in curves[1:]:
        assert (tokens, supervised) == curves[0][1:]
        assert curve == pytest.approx(curves[0][0], rel=1e-4)


def test_a_row_without_loss_trains_nothing_and_stops_nothing(tmp_path):
    data = toy_data()
    data.train = data.train.map(lambda row: {"labels": [-100] * len(row["labels"])})
    settings = ("tune_type=full", "hyperparams.max_steps=2", "hyperparams.tokens_per_batch=8")
    trainer, run = build(toy_config(tmp_path / "run", *settings), data)
    before = weights_digest(trainer.model)
    try:
        train(trainer, run)
    except Exception as error:
        assert "nothing_learned" in str(error)
    assert losses(trainer) == [0.0, 0.0]
    assert weights_digest(trainer.model) == before


def test_noise_on_the_embeddings_is_not_packed(tmp_path, capsys):
    trainer, _ = build(toy_config(tmp_path / "run", "hyperparams.neftune_noise_alpha=5"))
    assert not trainer.way.packed
    assert "NEFTune" in capsys.readouterr().err


def test_noise_that_is_asked_for_by_hand_is_not_packed_either(tmp_path):
    config = toy_config(tmp_path / "run")
    run = start_run(config, CPU)
    args = training_arguments(config, CPU, run, progress=False)
    args.neftune_noise_alpha = 5
    trainer = build_trainer(config, toy_model(config), args, ToyTokenizer(), toy_data(), run)
    assert not trainer.way.packed


def test_plain_words_of_the_config_stay_valid():
    for value in ("auto", True, False):
        document = {
            "model_id": "m",
            "dataset": {"path": "a.jsonl", "format": "jsonl_chat"},
            "hyperparams": {"packing": value, "gradient_checkpointing": value},
        }
        hyper = load_config(document).hyperparams
        assert hyper.packing == value
        assert hyper.gradient_checkpointing == value
