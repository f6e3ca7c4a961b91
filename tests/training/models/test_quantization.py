"""QLoRA: really quantised, really trainable, on a CPU too."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from ft_runtime.config import Config
from ft_runtime.devices import Device
from ft_runtime.findings import Finding, FindingsError
from ft_runtime.models import load_model, load_tokenizer, quantization_config
from support.settings import make_config

CPU = Device("cpu", "CPU", "none")
CPU_BF16 = Device("cpu", "CPU", "bf16")
T4 = Device("cuda", "Tesla T4", "fp16")
IDS = torch.tensor([[1, 50, 60, 70, 80, 90]])


def load(config: Config, device: Device = CPU) -> Any:
    return load_model(config, device, load_tokenizer(config))


def gradients(model: Any) -> dict[str, torch.Tensor]:
    model.zero_grad()
    model.train()
    model(input_ids=IDS, labels=IDS).loss.backward()
    # Cloned: the next backward pass writes into the same tensors.
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("tune_type", ["full", "lora"])
def test_only_qlora_quantises(tune_type: str) -> None:
    assert quantization_config(make_config("m", tune_type=tune_type), CPU) is None


@pytest.mark.parametrize(
    ("asked", "device", "dtype"),
    [
        ("auto", CPU, torch.float32),
        ("auto", CPU_BF16, torch.bfloat16),
        ("auto", T4, torch.float16),
        ("float16", CPU, torch.float16),
        ("bfloat16", CPU, torch.bfloat16),
        ("float32", T4, torch.float32),
    ],
)
def test_fields_arrive_and_auto_follows_the_device(
    asked: str, device: Device, dtype: torch.dtype, told: list[Finding]
) -> None:
    qlora = {
        "bnb_4bit_quant_type": "fp4",
        "bnb_4bit_use_double_quant": False,
        "bnb_4bit_compute_dtype": asked,
    }
    settings = quantization_config(
        make_config("m", tune_type="qlora", qlora=qlora), device, ["score"]
    )
    assert settings is not None
    assert settings.load_in_4bit
    assert settings.bnb_4bit_quant_type == "fp4"
    assert not settings.bnb_4bit_use_double_quant
    assert settings.bnb_4bit_compute_dtype == dtype
    assert settings.llm_int8_skip_modules == ["score"]
    assert told == []


def test_bfloat16_on_an_old_gpu_is_doubtful(told: list[Finding]) -> None:
    qlora = {"bnb_4bit_compute_dtype": "bfloat16"}
    quantization_config(make_config("m", tune_type="qlora", qlora=qlora), T4)
    assert [(item.code, item.severity) for item in told] == [("models.slow_bf16", "warning")]


def test_eight_bits() -> None:
    settings = quantization_config(make_config("m", tune_type="qlora", qlora={"bits": 8}), CPU)
    assert settings is not None
    assert settings.load_in_8bit
    assert not settings.load_in_4bit


def test_without_bitsandbytes_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "bitsandbytes" else find(name)
    )
    with pytest.raises(FindingsError, match="pip install bitsandbytes"):
        quantization_config(make_config("m", tune_type="qlora"), CPU)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("device", [CPU, CPU_BF16])
def test_weights_are_small_and_the_adapter_has_gradients(
    tiny_causal_dir: Path, bits: int, device: Device
) -> None:
    model = load(make_config(tiny_causal_dir, tune_type="qlora", qlora={"bits": bits}), device)
    layer = model.base_model.model.model.layers[0].mlp.up_proj.base_layer
    assert layer.weight.dtype == (torch.uint8 if bits == 4 else torch.int8)
    assert layer.weight.numel() * layer.weight.element_size() * 8 == bits * 512 * 64
    found = gradients(model)
    assert all("lora_" in name for name in found)
    # B starts at zero, so A has no gradient yet; every B has one.
    assert all(grad.abs().sum() > 0 for name, grad in found.items() if "lora_B" in name)


@pytest.mark.parametrize("bits", [4, 8])
def test_an_evaluation_does_not_cut_the_gradients(tiny_causal_dir: Path, bits: int) -> None:
    model = load(make_config(tiny_causal_dir, tune_type="qlora", qlora={"bits": bits},
                             lora={"dropout": 0.0}))  # fmt: skip
    before = gradients(model)
    model.eval()
    with torch.no_grad():
        model(input_ids=IDS)
    after = gradients(model)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_weights_that_were_quantised_before(
    tiny_causal_dir: Path, tmp_path: Path, told: list[Finding]
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    settings = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    saved = AutoModelForCausalLM.from_pretrained(tiny_causal_dir, quantization_config=settings)
    saved.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_causal_dir).save_pretrained(tmp_path)
    with pytest.raises(FindingsError, match="quantised_full"):
        load(make_config(tmp_path, tune_type="full"))
    for tune_type, said in (("lora", []), ("qlora", ["models.quantised_before"])):
        told.clear()
        model = load(make_config(tmp_path, tune_type=tune_type))
        assert [item.code for item in told] == said
        assert model.is_quantized if hasattr(model, "is_quantized") else True
        assert all("lora_" in name for name in gradients(model))
    with pytest.raises(FindingsError, match="init_needs_floats"):
        load(make_config(tmp_path, lora={"init_lora_weights": "pissa"}))
