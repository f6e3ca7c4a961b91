import random

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model

from ft_runtime.evaluation.base import reload_needed
from ft_runtime.evaluation.state import inner, undisturbed


def lora(**options):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        attention_bias=True,
    )
    return get_peft_model(
        LlamaForCausalLM(config),
        LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM", **options),
    )


def test_mode_gradients_and_random_numbers_are_as_before():
    model = lora(modules_to_save=["lm_head"])
    model.train()
    model.base_model.model.model.layers[0].eval()  # a mixed state comes back mixed
    modes = [m.training for m in model.modules()]
    flags = {n: p.requires_grad for n, p in model.named_parameters()}
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()

    with undisturbed(model):
        assert not any(m.training for m in model.modules())
        with model.disable_adapter():
            random.random()
            np.random.rand(3)
            torch.rand(3)
            assert not model(input_ids=torch.tensor([[1, 2]])).logits.requires_grad

    assert [m.training for m in model.modules()] == modes
    assert {n: p.requires_grad for n, p in model.named_parameters()} == flags
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])


def test_an_error_inside_puts_everything_back_too():
    model = lora().train()
    with pytest.raises(ValueError, match="x"), undisturbed(model):
        raise ValueError("x")
    assert model.training


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, False),
        ({"init_lora_weights": "gaussian"}, False),
        ({"init_lora_weights": "orthogonal"}, False),
        ({"use_dora": True}, False),
        ({"init_lora_weights": "pissa"}, True),
        ({"init_lora_weights": "olora"}, True),
        ({"bias": "all"}, True),
        ({"bias": "lora_only"}, True),
    ],
)
def test_reload_is_asked_for_exactly_where_switching_off_does_not_give_the_base(options, expected):
    torch.manual_seed(1)
    model = lora(**options)
    assert reload_needed(model) == expected
    # ... and that is the truth: train everything that trains a little, switch off, compare.
    untouched = {n: p.clone() for n, p in inner(model).named_parameters() if "lora" not in n}
    torch.manual_seed(1)
    base = lora().unload()
    ids = torch.tensor([[1, 2, 3]])
    wanted = base(input_ids=ids).logits
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.5)
    if not expected:
        with model.disable_adapter():
            assert torch.equal(model(input_ids=ids).logits, wanted)
    assert untouched


def test_a_full_model_needs_its_base_loaded(small_lm):
    assert reload_needed(small_lm)
    assert inner(small_lm) is small_lm
