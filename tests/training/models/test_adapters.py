"""LoRA settings: every field of the config arrives, and what cannot work is told beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ft_runtime.devices import Device
from ft_runtime.findings import FindingsError
from ft_runtime.models import load_model, load_tokenizer, lora_config
from support.settings import make_config

CPU = Device("cpu", "CPU", "none")
CPU_BF16 = Device("cpu", "CPU", "bf16")


def load(model: Path, device: Device = CPU, **fields: Any) -> Any:
    config = make_config(model, **fields)
    return load_model(config, device, load_tokenizer(config))


def test_every_field_arrives() -> None:
    lora = {
        "r": 4,
        "alpha": 12,
        "dropout": 0.25,
        "target_modules": ["q_proj"],
        "bias": "lora_only",
        "use_rslora": True,
        "use_dora": True,
        "init_lora_weights": "gaussian",
    }
    settings = lora_config(make_config("m", lora=lora))
    assert settings is not None
    assert settings.task_type == "CAUSAL_LM"
    assert (settings.r, settings.lora_alpha, settings.lora_dropout) == (4, 12, 0.25)
    assert settings.target_modules == {"q_proj"}
    assert (settings.bias, settings.init_lora_weights) == ("lora_only", "gaussian")
    assert settings.use_rslora
    assert settings.use_dora
    head = lora_config(make_config("m", format="csv_classification"), ["score"], r=2)
    assert head is not None
    assert (head.task_type, head.r, head.modules_to_save) == ("SEQ_CLS", 2, ["score"])
    assert lora_config(make_config("m", tune_type="full")) is None


def test_a_target_that_matches_nothing_is_told_with_what_there_is(tiny_causal_dir: Path) -> None:
    wanted = ["q_proj", "query_key_value", "Wqkv"]
    with pytest.raises(FindingsError) as error:
        load(tiny_causal_dir, lora={"target_modules": wanted})
    assert [item.code for item in error.value.findings] == ["models.no_target"] * 2
    for item, name in zip(error.value.findings, wanted[1:], strict=True):
        assert item.where == "lora.target_modules"
        assert name in item.message
        assert (
            "down_proj, gate_proj, k_proj, lm_head, o_proj, q_proj, up_proj, v_proj" in item.message
        )


def test_targets_may_be_full_names(tiny_causal_dir: Path) -> None:
    model = load(tiny_causal_dir, lora={"target_modules": ["layers.1.mlp.up_proj", "q_proj"]})
    names = {n.split(".layers.")[1] for n, _ in model.named_parameters() if "lora_A" in n}
    layers = {name.split(".lora_A")[0] for name in names}
    assert layers == {"0.self_attn.q_proj", "1.self_attn.q_proj", "1.mlp.up_proj"}


@pytest.mark.parametrize("kind", ["gaussian", "pissa", "olora", "orthogonal"])
@pytest.mark.parametrize("dora", [False, True])
def test_every_initialisation_starts_from_the_base(
    tiny_causal_dir: Path, kind: str, dora: bool
) -> None:
    ids = torch.tensor([[1, 50, 60, 70, 80]])
    base = load(tiny_causal_dir, tune_type="full").eval()
    model = load(tiny_causal_dir, lora={"init_lora_weights": kind, "use_dora": dora}).eval()
    with torch.no_grad():
        difference = (model(input_ids=ids).logits - base(input_ids=ids).logits).abs().max()
    assert difference < 5e-3


@pytest.mark.parametrize("device", [CPU, CPU_BF16])
@pytest.mark.parametrize("bias", ["all", "lora_only"])
def test_a_trained_bias_has_the_type_of_its_layer(
    tiny_encoder_dir: Path, device: Device, bias: str
) -> None:
    config = make_config(tiny_encoder_dir, format="csv_classification", lora={"bias": bias})
    model = load_model(config, device, load_tokenizer(config), ["a", "b"])
    names = [n for n, p in model.named_parameters() if p.requires_grad and n.endswith("bias")]
    assert len(names) > 2
    loss = model(input_ids=torch.tensor([[2, 7, 3]]), labels=torch.tensor([1])).loss
    loss.backward()


def test_orthogonal_needs_an_even_rank(tiny_causal_dir: Path) -> None:
    with pytest.raises(FindingsError, match="init_needs_even_rank"):
        load(tiny_causal_dir, lora={"r": 7, "init_lora_weights": "orthogonal"})


def test_transposed_layers_are_adapted_without_a_warning(
    tmp_path: Path, tiny_causal_dir: Path
) -> None:
    import shutil

    from transformers import GPT2Config, GPT2LMHeadModel

    shape = GPT2Config(
        vocab_size=1024, n_embd=8, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=2
    )
    GPT2LMHeadModel(shape).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(tiny_causal_dir / name, tmp_path / name)
    model = load(tmp_path)  # warnings are errors
    assert model.peft_config["default"].fan_in_fan_out
    assert any("c_attn.lora_A" in name for name, _ in model.named_parameters())
    with pytest.raises(FindingsError, match="c_attn, c_fc, c_proj"):
        load(tmp_path, lora={"target_modules": ["q_proj"]})
