import errno
import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from peft import PeftModel
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

import ft_runtime as ft
from ft_runtime.artifacts import save_model
from ft_runtime.artifacts.folder import list_files
from ft_runtime.files import sha256_file
from ft_runtime.findings import FindingsError
from support.tuned import tuned


@pytest.fixture
def make(tmp_path):
    made = []

    def one(*args, **options):
        made.append(tuned(tmp_path, *args, **options))
        return made[-1]

    yield one
    for item in made:
        item.run.close()


def save(made):
    return save_model(made.config, made.model, made.tokenizer, made.run)


def logits(model, ids):
    model.eval()
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits


CASES = {
    "lora": ("lora", "jsonl_chat", {}),
    "qlora": ("qlora", "jsonl_prompt", {}),
    "dora": ("lora", "jsonl_chat", {"use_dora": True}),
    "pissa": ("lora", "jsonl_chat", {"init_lora_weights": "pissa"}),
    "olora": ("lora", "jsonl_chat", {"init_lora_weights": "olora"}),
    "gaussian": ("lora", "jsonl_chat", {"init_lora_weights": "gaussian", "use_rslora": True}),
    "labels": ("lora", "csv_classification", {}),
    "bias": ("lora", "csv_classification", {"bias": "all"}),
    "qlora-labels": ("qlora", "csv_classification", {}),
    "full": ("full", "jsonl_instr", None),
    "full-labels": ("full", "csv_classification", None),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_saved_loads_to_the_same_model(make, case):
    tune_type, format, lora = CASES[case]
    made = make(tune_type, format, **({"lora": lora} if lora is not None else {}))
    saved = save(made)
    assert saved.findings == ()
    assert saved.check is not None
    assert saved.check.passed
    assert saved.check.max_abs_diff < 1e-3
    assert saved.path == made.run.path / ("model" if tune_type == "full" else "adapter")
    names = {item.name for item in saved.files}
    assert {"README.md", "tokenizer.json"} <= names
    assert saved.bytes == sum(item.bytes for item in saved.files)
    for item in saved.files:
        assert sha256_file(saved.path / item.name) == item.sha256
    assert made.run.manifest["saved"] == json.loads(json.dumps(saved.to_dict()))
    assert str(saved.path) in repr(saved)


def test_an_independent_load_gives_the_same_logits(make):
    made = make("lora")
    saved = save(made)
    base = AutoModelForCausalLM.from_pretrained(made.config.model_id, dtype=torch.float32)
    loaded = PeftModel.from_pretrained(base, str(saved.path))
    ids = made.data.val[0]["input_ids"]
    assert torch.equal(logits(loaded, ids), logits(made.model, ids))
    tokenizer = AutoTokenizer.from_pretrained(saved.path)
    assert tokenizer.chat_template == made.tokenizer.chat_template
    assert tokenizer("what colour")["input_ids"] == made.tokenizer("what colour")["input_ids"]


def test_a_whole_classifier_keeps_its_labels(make):
    made = make("full", "csv_classification")
    saved = save(made)
    loaded = AutoModelForSequenceClassification.from_pretrained(saved.path)
    assert list(loaded.config.id2label.values()) == made.data.label_names
    ids = made.data.val[0]["input_ids"]
    assert torch.equal(logits(loaded, ids), logits(made.model, ids))


def test_the_model_in_memory_is_as_before(make):
    made = make("lora")
    before = {name: tensor.clone() for name, tensor in made.model.named_parameters()}
    flags = {name: tensor.requires_grad for name, tensor in made.model.named_parameters()}
    state = torch.get_rng_state()
    save(made)
    after = dict(made.model.named_parameters())
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert {name: tensor.requires_grad for name, tensor in after.items()} == flags
    assert list(made.model.peft_config) == ["default"]
    assert made.model.active_adapter == "default"
    assert made.model.training
    assert torch.equal(torch.get_rng_state(), state)


def test_a_whole_model_stops_at_the_end_of_a_turn(make):
    made = make("full")
    # A template whose answers end with another token than texts do, as for many chat models.
    made.tokenizer.chat_template = (
        "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|start|>{% endfor %}"
        "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
    )
    kept = made.model.generation_config.eos_token_id
    saved = save(made)
    written = json.loads((saved.path / "generation_config.json").read_text())
    start = made.tokenizer.convert_tokens_to_ids("<|start|>")
    assert sorted(written["eos_token_id"]) == sorted({kept, start})
    assert made.model.generation_config.eos_token_id == kept


def test_saving_again_replaces_the_first(make):
    made = make("lora")
    first = save(made)
    (first.path / "stale.txt").write_text("x")
    second = save(made)
    assert second.files == first.files
    assert list_files(second.path) == list(second.files)
    hidden = [path.name for path in made.run.path.iterdir() if path.name.startswith(".adapter")]
    assert hidden == []


def test_a_full_disk_while_writing_leaves_the_first(make, monkeypatch):
    made = make("lora")
    first = save(made)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(made.tokenizer), "save_pretrained", full)
    with pytest.raises(FindingsError) as caught:
        save(made)
    assert [item.code for item in caught.value.findings] == ["artifacts.disk_full"]
    assert list_files(first.path) == list(first.files)
    assert [p.name for p in made.run.path.iterdir() if p.name.startswith(".adapter")] == []


def test_a_disk_without_room_is_told_before_writing(make, monkeypatch):
    made = make("full")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    with pytest.raises(FindingsError) as caught:
        save(made)
    assert caught.value.findings[0].code == "artifacts.disk_full"
    assert not (made.run.path / "model").exists()


def test_a_file_that_was_spoilt_on_the_way_is_found(make, monkeypatch):
    made = make("lora")
    import ft_runtime.artifacts.save as room

    write = room._write

    def spoil(config, model, tokenizer, folder):
        write(config, model, tokenizer, folder)
        from safetensors.torch import load_file, save_file

        path = folder / "adapter_model.safetensors"
        tensors = {name: tensor * 1.5 for name, tensor in load_file(path).items()}
        save_file(tensors, path, metadata={"format": "pt"})

    monkeypatch.setattr(room, "_write", spoil)
    saved = save(made)
    assert [item.code for item in saved.findings] == ["artifacts.reload_differs"]
    assert not saved.check.passed
    assert "reload_differs" in repr(saved)
    assert saved.path.is_dir()


def test_no_memory_for_the_check_is_told_and_the_files_stay(make, monkeypatch):
    made = make("full")

    def no_memory(*args, **kwargs):
        raise RuntimeError("CUDA out of memory. Tried to allocate 14 GiB")

    monkeypatch.setattr("ft_runtime.artifacts.reload.load_whole", no_memory)
    saved = save(made)
    assert saved.check is None
    assert [item.code for item in saved.findings] == ["artifacts.reload_unchecked"]
    assert "not enough memory" in saved.findings[0].message
    assert (saved.path / "model.safetensors").is_file()


def test_the_verb_is_exported():
    assert ft.save_model is save_model


def test_the_adapted_layers_are_named_in_order(make):
    made = make("lora", "jsonl_chat")
    save(made)
    settings = json.loads((made.run.path / "adapter" / "adapter_config.json").read_text("utf-8"))
    names = settings["target_modules"]
    assert len(names) > 5
    assert names == sorted(names)
    assert set(names) == set(made.model.peft_config["default"].target_modules)
