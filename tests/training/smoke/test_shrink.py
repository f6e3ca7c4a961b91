"""Toys of many architectures: small, of the same class, and computing."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ft_runtime.smoke.shrink import LIMIT, make_toy, toy_config

CAUSAL = [
    "bloom",
    "cohere2",
    "deepseek_v3",
    "falcon",
    "gemma2",
    "gemma3",
    "gpt2",
    "gpt_neox",
    "gpt_oss",
    "granite",
    "llama",
    "mamba",
    "mistral",
    "mixtral",
    "olmo2",
    "opt",
    "phi3",
    "qwen2",
    "qwen3",
    "qwen3_moe",
    "qwen3_next",
    "smollm3",
    "stablelm",
    "starcoder2",
]
ENCODERS = [
    "albert",
    "bert",
    "deberta-v2",
    "distilbert",
    "electra",
    "modernbert",
    "roberta",
    "xlm-roberta",
]
ROWS = 300


def full_size(kind: str) -> Any:
    from transformers import CONFIG_MAPPING

    config = CONFIG_MAPPING[kind]()
    text = config.get_text_config()
    text.vocab_size = ROWS
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(text, name, 0)
    return config


def toy_of(kind: str, auto_class: str) -> Any:
    import transformers

    auto = getattr(transformers, auto_class)
    return make_toy(full_size(kind), auto, ROWS)


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_toy_of_a_language_model(kind: str) -> None:
    toy = toy_of(kind, "AutoModelForCausalLM")
    assert not toy.stands_in
    assert toy.model.num_parameters() < 2_000_000
    assert {p.dtype for p in toy.model.parameters()} == {torch.float32}
    logits = toy.model(input_ids=torch.arange(20)[None]).logits
    assert logits.shape == (1, 20, ROWS)
    assert logits.isfinite().all()
    # It is no constant: what comes before changes what comes next.
    other = toy.model(input_ids=torch.arange(20).flip(0)[None]).logits
    assert not torch.allclose(logits, other)


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_toy_of_an_encoder(kind: str) -> None:
    toy = toy_of(kind, "AutoModelForSequenceClassification")
    assert not toy.stands_in
    assert toy.model.num_parameters() < 1_000_000
    assert toy.model(input_ids=torch.arange(1, 20)[None]).logits.isfinite().all()


def test_one_of_each_kind_of_layer_stays() -> None:
    config = full_size("gemma2")
    assert set(toy_config(config).layer_types) == {"sliding_attention", "full_attention"}


def test_shared_heads_stay_shared() -> None:
    config = full_size("llama")
    config.num_attention_heads, config.num_key_value_heads = 32, 8
    toy = toy_config(config)
    assert (toy.num_attention_heads, toy.num_key_value_heads) == (4, 1)
    config.num_key_value_heads = 32
    assert toy_config(config).num_key_value_heads == 4
    assert config.num_hidden_layers == 32  # the original is left alone


def test_an_architecture_that_cannot_be_small_has_a_stand_in() -> None:
    toy = toy_of("rwkv", "AutoModelForCausalLM")
    assert toy.stands_in
    assert type(toy.model).__name__ == "LlamaForCausalLM"
    assert toy.model(input_ids=torch.arange(9)[None]).logits.shape == (1, 9, ROWS)
    encoder = toy_of("reformer", "AutoModelForSequenceClassification")
    assert encoder.stands_in
    assert type(encoder.model).__name__ == "BertForSequenceClassification"


def test_a_toy_is_never_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ft_runtime.smoke.shrink.LIMIT", 10_000)
    assert toy_of("llama", "AutoModelForCausalLM").stands_in
    assert LIMIT > 10_000
