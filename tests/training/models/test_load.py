"""Loading: the right class, number types, frozen and trained weights, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ft_runtime.config import Config
from ft_runtime.devices import Device
from ft_runtime.findings import Finding, FindingsError
from ft_runtime.models import load_model, load_tokenizer
from support.settings import make_config

Edit = Callable[..., None]
CPU = Device("cpu", "CPU", "none")
CPU_BF16 = Device("cpu", "CPU", "bf16")
# What an older GPU does, as far as a CPU can show it.
FP16 = Device("cpu", "CPU", "fp16")
LABELS = ["bad", "good", "so-so"]


def load(config: Config, device: Device = CPU, labels: list[str] | None = None) -> Any:
    return load_model(config, device, load_tokenizer(config), labels)


def trained(model: Any) -> dict[str, torch.Tensor]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def refusal(config: Config, labels: list[str] | None = None) -> str:
    with pytest.raises(FindingsError) as error:
        load(config, labels=labels)
    assert len(error.value.findings) == 1
    return error.value.findings[0].code


@pytest.mark.parametrize("device", [CPU, CPU_BF16])
def test_full_tuning_trains_every_weight_in_float32(tiny_causal_dir: Path, device: Device) -> None:
    model = load(make_config(tiny_causal_dir, tune_type="full"), device)
    assert type(model).__name__ == "LlamaForCausalLM"
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("device", [CPU, CPU_BF16, FP16])
def test_lora_freezes_the_base_in_the_type_of_the_device(
    tiny_causal_dir: Path, device: Device
) -> None:
    model = load(make_config(tiny_causal_dir), device)
    assert all("lora_" in name for name in trained(model))
    assert {p.dtype for p in trained(model).values()} == {torch.float32}
    frozen = {p.dtype for p in model.parameters() if not p.requires_grad}
    assert frozen == {device.dtype}
    # all-linear: 7 linear layers in each of 2 blocks, and not the head; A and B each.
    assert len(trained(model)) == 2 * 7 * 2
    assert not any("lm_head" in name for name in trained(model))


def test_a_new_adapter_changes_no_answer(tiny_causal_dir: Path) -> None:
    config = make_config(tiny_causal_dir)
    tokenizer = load_tokenizer(config)
    ids = tokenizer("Where is the lamp?", return_tensors="pt").input_ids
    base = load(make_config(tiny_causal_dir, tune_type="full")).eval()
    tuned = load(config).eval()
    with torch.no_grad():
        assert torch.equal(base(input_ids=ids).logits, tuned(input_ids=ids).logits)


@pytest.mark.parametrize("tune_type", ["full", "lora", "qlora"])
def test_new_weights_depend_on_the_seed_alone(tiny_encoder_dir: Path, tune_type: str) -> None:
    def start(seed: int) -> dict[str, torch.Tensor]:
        config = make_config(
            tiny_encoder_dir, tune_type=tune_type, format="csv_classification", seed=seed
        )
        return trained(load(config, labels=LABELS))

    torch.manual_seed(1)
    first = start(5)
    expected = torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(3), expected)  # loading drew no random number of the session
    torch.rand(100)
    again, other = start(5), start(6)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("tune_type", ["full", "lora", "qlora"])
@pytest.mark.parametrize("device", [CPU, CPU_BF16, FP16])
def test_a_classifier_knows_its_labels_and_trains_its_head(
    tiny_encoder_dir: Path, tune_type: str, device: Device
) -> None:
    config = make_config(tiny_encoder_dir, tune_type=tune_type, format="csv_classification")
    model = load(config, device, LABELS)
    assert model.config.id2label == {0: "bad", 1: "good", 2: "so-so"}
    assert model.config.label2id == {"bad": 0, "good": 1, "so-so": 2}
    assert model.config.pad_token_id == load_tokenizer(config).pad_token_id
    heads = [name for name in trained(model) if "classifier" in name]
    poolers = [name for name in trained(model) if "pooler" in name and "lora_" not in name]
    assert len(heads) == len(poolers) == 2  # weight and bias; the files had neither layer
    assert {p.dtype for p in trained(model).values()} == {torch.float32}
    tokenizer = load_tokenizer(config)
    batch = tokenizer(["good", "not so good"], padding=True, return_tensors="pt")
    loss = model(**batch, labels=torch.tensor([1, 2])).loss
    loss.backward()
    assert all(p.grad is not None for name, p in trained(model).items() if "classifier" in name)


def test_a_language_model_can_classify(tiny_causal_dir: Path) -> None:
    config = make_config(tiny_causal_dir, format="csv_classification")
    model = load(config, labels=LABELS).eval()
    tokenizer = load_tokenizer(config)
    texts = ["good", "a much longer text that needs no padding at all"]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    alone = tokenizer(texts[:1], return_tensors="pt")
    with torch.no_grad():
        # The answer comes from the last token of each text, not from its padding.
        assert torch.allclose(model(**batch).logits[0], model(**alone).logits[0], atol=1e-5)
    assert "score" in " ".join(trained(model))


def test_a_classifier_needs_labels(tiny_encoder_dir: Path) -> None:
    config = make_config(tiny_encoder_dir, format="csv_classification")
    assert refusal(config) == "models.no_labels"
    assert refusal(config, ["only one"]) == "models.no_labels"


@pytest.mark.parametrize("names", [["a", "b"], ["x", "y", "z"]])
def test_a_head_for_other_labels_is_replaced(
    names: list[str], tiny_encoder_dir: Path, tmp_path: Path, told: list[Finding]
) -> None:
    first = make_config(tiny_encoder_dir, tune_type="full", format="csv_classification", seed=1)
    model = load(first, labels=LABELS)
    model.save_pretrained(tmp_path)
    load_tokenizer(first).save_pretrained(tmp_path)
    again = make_config(tmp_path, tune_type="full", format="csv_classification", seed=2)
    same = load(again, labels=LABELS)
    assert torch.equal(same.classifier.weight, model.classifier.weight)
    assert told == []
    other = load(again, labels=names)
    assert other.config.id2label == dict(enumerate(names))
    assert not torch.equal(other.classifier.weight[:2], model.classifier.weight[:2])
    assert torch.equal(other.bert.pooler.dense.weight, model.bert.pooler.dense.weight)
    assert [item.code for item in told] == ["models.head_replaced"]
    adapted = load(make_config(tmp_path, format="csv_classification"), labels=names)
    assert sum("classifier" in name for name in trained(adapted)) == 2


def test_an_encoder_is_no_language_model(tiny_encoder_dir: Path) -> None:
    assert refusal(make_config(tiny_encoder_dir)) == "models.not_causal_lm"


def test_a_model_without_its_language_head(causal_copy: Path, edit_json: Edit) -> None:
    edit_json(causal_copy / "config.json", architectures=["LlamaModel"])
    assert refusal(make_config(causal_copy)) == "models.not_causal_lm"


def test_a_translation_model_is_no_language_model(tmp_path: Path, tiny_causal_dir: Path) -> None:
    import shutil

    from transformers import T5Config, T5ForConditionalGeneration

    shape = T5Config(vocab_size=1024, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5ForConditionalGeneration(shape).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_causal_dir / name, tmp_path / name)
    assert refusal(make_config(tmp_path)) == "models.not_causal_lm"


def test_missing_weights_are_not_made_up(causal_copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = causal_copy / "model.safetensors"
    weights = load_file(path)
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(FindingsError, match=r"1 weights .*layers\.1\.mlp\.up_proj"):
        load(make_config(causal_copy))


def test_weights_of_another_shape(causal_copy: Path, edit_json: Edit) -> None:
    edit_json(causal_copy / "config.json", intermediate_size=256)
    assert refusal(make_config(causal_copy)) in ("models.cannot_load", "models.missing_weights")


def test_a_tokenizer_of_another_model(causal_copy: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(causal_copy)
    tokenizer.add_tokens([f"new{number}" for number in range(200)])
    tokenizer.save_pretrained(causal_copy)
    assert refusal(make_config(causal_copy)) == "models.tokenizer_larger"


def test_an_unknown_model_type(causal_copy: Path, edit_json: Edit) -> None:
    edit_json(causal_copy / "config.json", model_type="llama99")
    assert refusal(make_config(causal_copy)) == "models.unknown_type"
    edit_json(causal_copy / "config.json", model_type=None)
    assert refusal(make_config(causal_copy)) == "models.unknown_type"


@pytest.mark.parametrize(
    "fields",
    [
        {"num_hidden_layers": "two"},
        {"hidden_size": -1},
        {"vocab_size": {}},
        {"model_type": ["llama"]},
        {"rope_parameters": 7},
        {"num_attention_heads": 0},
        {"hidden_act": "nothing"},
    ],
)
def test_nonsense_in_the_config_is_told(
    fields: dict[str, Any], causal_copy: Path, edit_json: Edit
) -> None:
    edit_json(causal_copy / "config.json", **fields)
    assert refusal(make_config(causal_copy)).startswith("models.")


def test_damaged_weights_of_the_older_kind(causal_copy: Path) -> None:
    (causal_copy / "model.safetensors").unlink()
    (causal_copy / "pytorch_model.bin").write_bytes(b"PK\x03\x04 cut short")
    assert refusal(make_config(causal_copy)) in ("models.cannot_load", "models.corrupt_weights")


def test_an_architecture_without_checkpointing(tmp_path: Path, tiny_causal_dir: Path) -> None:
    import shutil

    from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

    shape = OpenAIGPTConfig(vocab_size=1024, n_embd=8, n_layer=1, n_head=2)
    OpenAIGPTLMHeadModel(shape).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(tiny_causal_dir / name, tmp_path / name)
    hyperparams = {"gradient_checkpointing": True}
    config = make_config(tmp_path, tune_type="full", hyperparams=hyperparams)
    assert refusal(config) == "models.no_checkpointing"


REMOTE = """
from transformers import LlamaConfig, LlamaForCausalLM

class OwnConfig(LlamaConfig):
    model_type = "own_llama"

class OwnForCausalLM(LlamaForCausalLM):
    config_class = OwnConfig
"""


def test_code_of_the_model_runs_only_when_it_is_allowed(
    causal_copy: Path, edit_json: Edit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from transformers.dynamic_module_utils import HF_MODULES_CACHE  # noqa: F401

    monkeypatch.setattr(
        "transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules")
    )
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    (causal_copy / "own.py").write_text(REMOTE)
    edit_json(
        causal_copy / "config.json",
        model_type="own_llama",
        architectures=["OwnForCausalLM"],
        auto_map={"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnForCausalLM"},
    )
    assert refusal(make_config(causal_copy)) == "models.needs_remote_code"
    model = load(make_config(causal_copy, trust_remote_code=True, tune_type="full"))
    assert type(model).__name__ == "OwnForCausalLM"


def test_the_run_remembers_the_model(tiny_causal_dir: Path) -> None:
    class Recorder:
        pinned: dict[str, Any] = {}
        checkpoint = None

        def pin(self, kind: str, value: Any) -> None:
            self.pinned[kind] = json.loads(json.dumps(value))

    config, run = make_config(tiny_causal_dir), Recorder()
    load_model(config, CPU, load_tokenizer(config), None, run)  # type: ignore[arg-type]
    assert "model.safetensors" in run.pinned["model"]["files"]


def test_generation_pads_with_the_pad_token(tiny_causal_dir: Path) -> None:
    config = make_config(tiny_causal_dir)
    tokenizer = load_tokenizer(config)
    model = load(config)
    assert model.config.pad_token_id == tokenizer.pad_token_id
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id


def test_an_encoder_for_text_is_refused_with_its_tokenizer(tiny_encoder_dir: Path) -> None:
    with pytest.raises(FindingsError, match="not_causal_lm"):
        load_tokenizer(make_config(tiny_encoder_dir, format="jsonl_chat"))
