import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from ft_runtime.artifacts import save_model
from ft_runtime.artifacts.probe import compare_logits
from support.tuned import tuned


@pytest.fixture
def make(tmp_path):
    made = []

    def one(*args, **options):
        options.setdefault("artifacts", {}).setdefault("merge", True)
        made.append(tuned(tmp_path, *args, **options))
        return made[-1]

    yield one
    for item in made:
        item.run.close()


def save(made):
    return save_model(made.config, made.model, made.tokenizer, made.run)


def codes(saved):
    return [item.code for item in saved.findings]


CASES = {
    "lora": ("lora", "jsonl_chat", {}),
    "dora": ("lora", "jsonl_chat", {"use_dora": True}),
    "pissa": ("lora", "jsonl_chat", {"init_lora_weights": "pissa"}),
    "labels": ("lora", "csv_classification", {}),
    "bias": ("lora", "csv_classification", {"bias": "all"}),
    "qlora": ("qlora", "jsonl_prompt", {}),
    "qlora-labels": ("qlora", "csv_classification", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_merged_and_adapter_agree(make, case):
    tune_type, format, lora = CASES[case]
    saved = save(make(tune_type, format, lora=lora))
    merged = saved.merged
    assert merged is not None
    assert merged.check.passed
    assert merged.check.max_abs_diff <= merged.check.tolerance
    assert merged.dtype == merged.check.dtype == "bfloat16"
    assert merged.effect > merged.check.max_abs_diff
    assert codes(saved) == (["artifacts.merge_quantised_base"] if tune_type == "qlora" else [])
    tensors = load_file(merged.path / "model.safetensors")
    assert {str(t.dtype) for t in tensors.values() if t.is_floating_point()} == {"torch.bfloat16"}
    assert not any("lora" in name for name in tensors)
    assert "merged" in repr(saved).lower()


def test_the_merged_folder_is_a_plain_model_with_the_adapters_answers(make):
    made = make("lora")
    saved = save(made)
    loaded = AutoModelForCausalLM.from_pretrained(saved.merged.path, dtype=torch.float32).eval()
    ids = torch.tensor([made.data.val[0]["input_ids"]])
    made.model.eval()
    with torch.no_grad():
        wanted, got = made.model(input_ids=ids).logits, loaded(input_ids=ids).logits
        with made.model.disable_adapter():
            base = made.model(input_ids=ids).logits
    assert compare_logits(wanted[0], got[0], "bfloat16").passed
    assert (wanted - got).abs().max() < 0.5 * (wanted - base).abs().max()


def test_a_merged_classifier_keeps_its_labels(make):
    made = make("lora", "csv_classification")
    loaded = AutoModelForSequenceClassification.from_pretrained(save(made).merged.path)
    assert list(loaded.config.id2label.values()) == made.data.label_names


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_base_in_16_bit_keeps_its_own_kind(make, tmp_path, tiny_causal_dir, dtype):
    base = tmp_path / "base"
    model = AutoModelForCausalLM.from_pretrained(tiny_causal_dir, dtype=getattr(torch, dtype))
    model.save_pretrained(base)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (base / name).write_bytes((tiny_causal_dir / name).read_bytes())
    saved = save(make("lora", model_id=str(base)))
    assert saved.merged.dtype == dtype
    assert saved.merged.check.passed
    assert codes(saved) == []
    config = json.loads((saved.merged.path / "config.json").read_text())
    assert config["dtype"] == dtype


def test_a_merge_that_loses_the_adapter_is_an_error_with_numbers(make, monkeypatch):
    made = make("lora", move=2.0)
    from peft import PeftModel

    monkeypatch.setattr(
        PeftModel, "merge_and_unload", lambda self, **options: self.unload(), raising=False
    )
    saved = save(made)
    assert codes(saved) == ["artifacts.merge_differs"]
    assert saved.findings[0].severity == "error"
    check = saved.merged.check
    assert f"{check.max_abs_diff:.3g}" in saved.findings[0].message
    assert f"{check.tolerance:.3g}" in saved.findings[0].message


def test_an_adapter_smaller_than_the_rounding_is_a_warning(make):
    saved = save(make("lora", move=0.001))
    assert codes(saved) == ["artifacts.merge_rounding"]


def test_too_little_memory_is_told_and_the_adapter_is_there(make, monkeypatch):
    made = make("lora")
    monkeypatch.setattr("ft_runtime.artifacts.merge.free_on", lambda: {"cpu": 1000})
    saved = save(made)
    assert codes(saved) == ["artifacts.merge_memory"]
    assert saved.merged is None
    assert (saved.path / "adapter_model.safetensors").is_file()


def test_a_base_that_is_gone_is_told(make, monkeypatch):
    made = make("lora")

    def gone(*args, **options):
        raise OSError("no such folder")

    monkeypatch.setattr("ft_runtime.artifacts.merge.load_base", gone)
    saved = save(made)
    assert codes(saved) == ["artifacts.base_unavailable"]
    assert "no such folder" in saved.findings[0].message


def test_full_fine_tuning_has_nothing_to_merge(tmp_path):
    made = tuned(tmp_path, "full")
    document = made.config.to_dict()
    document["artifacts"]["merge"] = True
    from ft_runtime.config import Config

    saved = save_model(Config(document), made.model, made.tokenizer, made.run)
    made.run.close()
    assert codes(saved) == ["artifacts.merge_full"]
    assert saved.merged is None


@pytest.mark.parametrize(
    ("dtype", "difference", "passed"),
    [
        ("float32", 1e-4, True),
        ("float32", 1e-2, False),
        ("float16", 0.05, True),
        ("float16", 0.2, False),
        ("bfloat16", 0.5, True),
        ("bfloat16", 0.7, False),
        ("bfloat16", float("nan"), False),
    ],
)
def test_the_tolerance_grows_with_the_rounding_of_the_dtype(dtype, difference, passed):
    first = torch.zeros(3, 5)
    first[:, 0] = 10.0
    second = first.clone()
    second[1, 1] += difference
    check = compare_logits(first, second, dtype)
    assert check.passed == passed
    assert check.positions == 3
    if passed:
        assert check.max_abs_diff == pytest.approx(difference, rel=1e-2)
        assert check.top1_agreement == 1.0
