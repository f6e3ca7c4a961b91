"""The route ``estimate``: what it adds up, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .test_models import LLAMA, make_model
from .test_routes import check

GB = 1 << 30
MODEL = {**LLAMA, "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 8}
MODEL = {**MODEL, "num_attention_heads": 16, "vocab_size": 32000}


@pytest.fixture
def guess(ask, root):
    """Ask for the estimate of a local model, and compare the answer with its description."""
    make_model(Path(root) / "model", MODEL)

    async def call(config=None, **more):
        document = {
            "provider": "hf_local",
            "model_id": "model",
            "dataset": {"path": "rows.jsonl", "format": "jsonl_prompt"},
            "hyperparams": {"batch_size_train": 4, "max_seq_len": 512},
            "hw": {"device": "cpu"},
            **(config or {}),
        }
        code, answer = await ask("estimate", {"config": document, **more})
        if code == 200:
            check("Estimate", answer)
            assert code == 200
            parts = dict(answer["memory"] or {"total": 0})
            assert parts.pop("total") == sum(parts.values())
        return answer

    return call


async def test_each_way_of_tuning_takes_less(guess):
    full, lora, qlora = [await guess({"tune_type": kind}) for kind in ("full", "lora", "qlora")]
    assert full["trainable_parameters"] == full["parameters"]
    assert lora["trainable_parameters"] < full["parameters"] / 20
    assert full["memory"]["optimizer"] == 8 * full["parameters"]
    assert full["memory"]["gradients"] == 4 * full["parameters"]
    for part in ("weights", "total"):
        assert full["memory"][part] > 0
    assert qlora["memory"]["weights"] < lora["memory"]["weights"] < full["memory"]["weights"] * 1.1
    assert qlora["memory"]["total"] < lora["memory"]["total"] < full["memory"]["total"]


async def test_smaller_batches_and_checkpointing_save_activations(guess):
    base = await guess()
    small = await guess({"hyperparams": {"batch_size_train": 1, "max_seq_len": 512}})
    again = {"batch_size_train": 4, "max_seq_len": 512, "gradient_checkpointing": True}
    again = await guess({"hyperparams": again})
    assert small["memory"]["activations"] == pytest.approx(
        base["memory"]["activations"] / 4, rel=0.01
    )
    # Logits are made in chunks: a batch of more tokens than one takes no more.
    assert small["memory"]["logits"] == base["memory"]["logits"] > 0
    assert again["memory"]["activations"] < base["memory"]["activations"] / 5


async def test_rows_are_as_long_as_those_of_the_data(guess):
    whole = await guess()
    short = await guess(data={"rows": 100, "characters": 90, "longest_bytes": 128})
    expected = pytest.approx(whole["memory"]["activations"] / 4, rel=0.01)
    assert short["memory"]["activations"] == expected
    assert short["memory"]["weights"] == whole["memory"]["weights"]
    tiny = await guess({"hyperparams": {"batch_size_train": 1}}, data={"longest_bytes": 64})
    assert 0 < tiny["memory"]["logits"] < whole["memory"]["logits"]
    long = await guess(data={"longest_bytes": 1 << 20})
    assert long["memory"] == whole["memory"]
    hyper = {"batch_size_train": 4, "max_seq_len": 512, "packing": True}
    packed = await guess({"hyperparams": hyper}, data={"longest_bytes": 128})
    # Rows are laid end to end within a step, and no others are fetched to fill it.
    same = await guess(data={"longest_bytes": 128})
    assert packed["memory"]["activations"] == same["memory"]["activations"]


async def test_rows_are_no_longer_than_the_model_allows(guess):
    short = await guess({"hyperparams": {"batch_size_train": 4, "max_seq_len": 512}})
    long = await guess({"hyperparams": {"batch_size_train": 4, "max_seq_len": 4096}})
    assert short["memory"] == long["memory"]


async def test_the_device_decides_whether_it_fits(guess):
    small = await guess(device={"type": "cuda", "name": "Tesla T4", "memory_bytes": 1 * GB})
    assert small["fits"] is False
    assert [item["code"] for item in small["findings"]] == ["server.does_not_fit"]
    large = await guess(device={"type": "cuda", "name": "Tesla T4", "memory_bytes": 80 * GB})
    assert (large["fits"], large["findings"]) == (True, [])
    unknown = await guess(device={"type": "mps"})
    assert unknown["fits"] is None
    assert [item["code"] for item in unknown["findings"]] == ["server.device_unknown"]


@pytest.mark.parametrize(("kind", "told"), [("cuda", False), ("cpu", True), ("mps", True)])
async def test_a_device_without_four_bits_is_told(guess, kind, told):
    device = {"type": kind, "memory_bytes": 80 * GB}
    for method in ("lora", "qlora"):
        answer = await guess({"tune_type": method, "hw": {"device": "auto"}}, device=device)
        codes = [item["code"] for item in answer["findings"]]
        assert codes == (["server.qlora_here"] if told and method == "qlora" else [])


async def test_time_grows_with_rows_and_needs_to_know_them(guess):
    device = {"type": "cuda", "name": "Tesla T4", "memory_bytes": 16 * GB}
    assert (await guess(device=device))["time_seconds"] is None
    times = [
        (await guess(device=device, data={"rows": rows, "characters": 400}))["time_seconds"]
        for rows in (1000, 2000)
    ]
    assert times[1] == pytest.approx(2 * times[0], rel=0.01)
    # 900 rows for training of 100 tokens, 4 operations a weight of a matrix and of the head.
    weights = 8 * (4 * 1024**2 + 3 * 1024 * 4096) + 32000 * 1024
    assert times[0] == pytest.approx(900 * 100 * 4 * weights / (65e12 * 0.3), rel=0.05)
    unknown = {"type": "cuda", "name": "another", "memory_bytes": GB}
    assert (await guess(device=unknown, data={"rows": 10}))["time_seconds"] is None


async def test_what_cannot_be_estimated_is_a_finding(guess, root):
    make_model(Path(root) / "new", {"model_type": "new"})
    for name, code in (("new", "server.model_shape"), ("none", "server.model_unread")):
        answer = await guess({"model_id": name})
        assert answer["memory"] is None
        assert answer["fits"] is None
        assert code in [item["code"] for item in answer["findings"]]


@pytest.mark.parametrize("odd", [0, -1, "x", None, 1 << 40, [], 1.5, True])
@pytest.mark.parametrize("name", ["hidden_size", "num_hidden_layers", "num_attention_heads"])
async def test_an_odd_config_of_a_model_is_a_finding(guess, root, name, odd):
    (Path(root) / "model/config.json").write_text(json.dumps({**MODEL, name: odd}))
    answer = await guess()
    assert answer["memory"] is None
    assert [item["code"] for item in answer["findings"]] == ["server.model_shape"]


@pytest.mark.parametrize(
    "more",
    [
        {"device": {"type": "abacus"}},
        {"device": {}},
        {"device": {"type": "cpu", "memory_bytes": -1}},
        {"data": {"rows": -1}},
        {"data": {"rows": "many"}},
        {"data": {"longest_bytes": 1.5}},
        {"config": {"tune_type": "tiny"}},
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_refused(guess, more):
    answer = await guess(more.pop("config", None), **more)
    assert answer["code"] in ("server.bad_field", "server.missing_field", "config.invalid")
