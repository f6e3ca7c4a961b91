"""No token of one row sees another, and models that cannot promise that are padded."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma2Config,
    GPT2Config,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    Qwen2Config,
)  # fmt: skip

from ft_runtime.tokens.collate import PackedCollator
from ft_runtime.training import probe, segments
from ft_runtime.training.probe import find_way
from ft_runtime.training.segments import FLASH, NAME, SEGMENTS, implementation, switched

SIZES = {
    "vocab_size": 61, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 64, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2, "initializer_range": 0.4,
}  # fmt: skip
GROUPED = {**SIZES, "num_key_value_heads": 2}
ROWS = [
    {"input_ids": [5, 6, 7, 8, 9, 10, 11, 12, 13], "labels": [5, 6, 7, 8, 9, 10, 11, 12, 13]},
    {"input_ids": [9], "labels": [9]},
    {"input_ids": [5, 6, 7, 20, 21, 22, 23], "labels": [5, 6, 7, 20, 21, 22, 23]},
]
LENGTHS = [9, 1, 7]
PACKABLE = {
    "Llama, heads that share keys": LlamaConfig(**GROUPED),
    "Llama, loaded with eager attention": LlamaConfig(**GROUPED, attn_implementation="eager"),
    "Qwen 2": Qwen2Config(**GROUPED),
    "Mistral, a window shorter than a row": MistralConfig(**GROUPED, sliding_window=4),
    "Gemma 2, windows and squeezed scores": Gemma2Config(
        **GROUPED, head_dim=4, sliding_window=4, attn_logit_softcapping=5.0
    ),
    "GPT-2": GPT2Config(
        vocab_size=61, n_embd=16, n_layer=2, n_head=2, n_positions=64, initializer_range=0.4,
        bos_token_id=1, eos_token_id=2,
    ),
}  # fmt: skip
STUBBORN = {
    "Mamba carries a state": MambaConfig(
        vocab_size=61, hidden_size=16, state_size=4, num_hidden_layers=2, initializer_range=0.4
    ),
    "Bloom knows no positions": BloomConfig(
        vocab_size=61, hidden_size=16, n_layer=2, n_head=2, initializer_range=0.4
    ),
}


def make(config):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config).eval()


@pytest.mark.parametrize("kind", PACKABLE)
def test_a_row_has_the_logits_that_it_has_alone(kind):
    model = make(PACKABLE[kind])
    way = find_way(model, "auto", 64, "cpu", False)
    assert (way.packed, way.attention, way.findings) == (True, NAME, [])
    batch = PackedCollator()(ROWS)
    batch.pop("labels")
    with torch.no_grad():
        with switched(model, NAME), SEGMENTS.of(LENGTHS):
            packed = model(**batch).logits[0].split(LENGTHS)
        for row, found in zip(ROWS, packed, strict=True):
            alone = model(input_ids=torch.tensor([row["input_ids"]])).logits[0]
            torch.testing.assert_close(found, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", STUBBORN)
def test_a_model_that_leaks_is_padded_and_says_so(kind):
    model = make(STUBBORN[kind])
    way = find_way(model, "auto", 64, "cpu", False)
    assert not way.packed
    assert way.attention is None
    assert [item.code for item in way.findings] == ["training.not_packed"]
    assert way.findings[0].severity == "info"
    insisted = find_way(model, True, 64, "cpu", False)
    assert not insisted.packed
    assert insisted.findings[0].severity == "error"


def test_a_window_that_only_a_mask_knows_is_not_packed():
    """Layers that do not tell their window to the attention would see too far."""
    model = make(LlamaConfig(**GROUPED))
    model.config.sliding_window = 4
    way = find_way(model, "auto", 64, "cpu", False)
    assert not way.packed
    assert "4 tokens back" in way.findings[0].message
    assert find_way(model, "auto", 4, "cpu", False).packed
    model.config.layer_types = ["full_attention", "full_attention"]
    assert find_way(model, "auto", 64, "cpu", False).packed


def test_the_model_keeps_its_own_attention_outside_of_a_step():
    model = make(LlamaConfig(**GROUPED))
    ids = torch.tensor([ROWS[0]["input_ids"]])
    mask = torch.ones_like(ids)
    mask[0, :3] = 0
    with torch.no_grad():
        before = model(input_ids=ids, attention_mask=mask).logits
        find_way(model, "auto", 64, "cpu", False)
        assert model.config._attn_implementation == "sdpa"
        # Without packed rows at hand the packed attention is torch's, masks and all.
        with switched(model, NAME):
            inside = model(input_ids=ids, attention_mask=mask).logits
            assert model.config._attn_implementation == NAME
        after = model(input_ids=ids, attention_mask=mask).logits
    assert torch.equal(before, after)
    torch.testing.assert_close(inside[0, 3:], before[0, 3:])
    generated = model.generate(ids, max_new_tokens=3, do_sample=False)
    assert generated.shape[1] == ids.shape[1] + 3


def test_rows_in_16_bits_are_close_to_those_in_32():
    model = make(LlamaConfig(**GROUPED))
    batch = PackedCollator()(ROWS)
    batch.pop("labels")
    with torch.no_grad(), switched(model, NAME), SEGMENTS.of(LENGTHS):
        exact = model(**batch).logits
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(**batch).logits
    assert (found - exact).abs().max() < 0.1 * exact.std() + 0.1


def test_flash_attention_is_used_where_it_is_installed(monkeypatch):
    from transformers import utils

    model = make(LlamaConfig(**GROUPED))
    monkeypatch.setattr(utils, "is_flash_attn_2_available", lambda: True)
    assert implementation(model, "cuda", True) == "flash_attention_2"
    assert implementation(model, "cuda", False) == NAME
    assert implementation(model, "cpu", True) == NAME
    monkeypatch.setattr(utils, "is_flash_attn_2_available", lambda: False)
    assert implementation(model, "cuda", True) == NAME


def test_windows_are_packed_with_flash_attention_too(monkeypatch):
    """Its kernel takes them; whether the layers tell them is seen by ours."""
    monkeypatch.setattr(segments, "implementation", lambda *asked: FLASH)
    ask = probe.check_packing
    flash = {FLASH: []}  # it needs a GPU
    monkeypatch.setattr(
        probe,
        "check_packing",
        lambda model, name=None: flash[name] if name in flash else ask(model, name),
    )
    model = make(MistralConfig(**GROUPED, sliding_window=4))
    way = find_way(model, "auto", 64, "cuda", True)
    assert (way.packed, way.attention) == (True, FLASH)
    gpt2 = make(PACKABLE["GPT-2"])
    gpt2.config.sliding_window = 4
    assert not find_way(gpt2, "auto", 64, "cuda", True).packed


def test_flash_attention_is_told_where_rows_begin_and_end():
    batch = PackedCollator("flash_attention_2")(ROWS)
    assert batch["cu_seq_lens_q"].tolist() == batch["cu_seq_lens_k"].tolist() == [0, 9, 10, 17]
    assert (batch["max_length_q"], batch["max_length_k"]) == (9, 9)
    assert batch["cu_seq_lens_q"].dtype == torch.int32


@pytest.mark.parametrize("unknown", ["s_aux", "position_bias", "head_mask"])
def test_what_the_attention_does_not_know_is_refused(unknown):
    from ft_runtime.training.segments import packed_attention

    heads = torch.zeros(1, 2, 3, 4)
    layer = torch.nn.Module()
    with SEGMENTS.of([3]), pytest.raises(NotImplementedError, match=unknown):
        packed_attention(layer, heads, heads, heads, None, **{unknown: heads})
    with SEGMENTS.of([2]), pytest.raises(NotImplementedError, match="as they were packed"):
        packed_attention(layer, heads, heads, heads, None)
    layer.is_causal = False
    with SEGMENTS.of([3]), pytest.raises(NotImplementedError, match="is not"):
        packed_attention(layer, heads, heads, heads, None)
