"""The small models: complete, offline, the same bytes every time, and able to learn."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ft_runtime.tiny import build_tiny_model
from ft_runtime.tiny.texts import builtin_texts, read_texts


def _sums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("kind", ["causal", "encoder"])
def test_another_process_builds_the_same_bytes(kind: str, tmp_path: Path) -> None:
    # Another process has another hash seed and another memory layout.
    command = [sys.executable, "-m", "ft_runtime.tiny", str(tmp_path / "a"), "--kind", kind]
    subprocess.run([*command, "--steps", "3"], check=True, capture_output=True)
    build_tiny_model(kind, tmp_path / "b", steps=3)  # type: ignore[arg-type]
    assert _sums(tmp_path / "a") == _sums(tmp_path / "b")


def test_building_leaves_random_numbers_and_threads_alone(tmp_path: Path) -> None:
    import random

    import torch

    before = (torch.get_rng_state(), random.getstate(), torch.get_num_threads())
    build_tiny_model("causal", tmp_path, steps=2)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert torch.get_num_threads() == before[2]


def test_causal_model_is_complete_and_speaks(tiny_causal_dir: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_causal_dir)
    model = AutoModelForCausalLM.from_pretrained(tiny_causal_dir)
    assert (tiny_causal_dir / "model.safetensors").is_file()
    assert tokenizer.is_fast
    assert len({tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.bos_token_id}) == 3
    assert model.config.vocab_size >= len(tokenizer)
    assert 200_000 < model.num_parameters() < 600_000
    question = [{"role": "user", "content": "Who likes the old lamp?"}]
    ids = tokenizer.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt")
    answer = model.generate(**ids)[0, ids["input_ids"].shape[1] :]
    # It ends its turn, and what it says is a sentence and not noise.
    assert answer[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(answer, skip_special_tokens=True).startswith(("I ", "You ", "That "))


def test_any_text_survives_the_causal_tokenizer(tiny_causal_dir: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_causal_dir)
    for text in ("čšž ✓\u2028日本 \x00", "  two  spaces\r\n\ttab ", "12345", "<|nothing|>"):
        ids = tokenizer(text, add_special_tokens=False).input_ids
        assert tokenizer.decode(ids) == text


def test_encoder_reads_ascii_without_unknown_tokens(tiny_encoder_dir: Path) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder_dir)
    model = AutoModelForMaskedLM.from_pretrained(tiny_encoder_dir)
    ids = tokenizer("Quizzical zebra #42: x_y~z?").input_ids
    assert tokenizer.unk_token_id not in ids
    assert ids[0] == tokenizer.cls_token_id
    assert ids[-1] == tokenizer.sep_token_id
    assert 100_000 < model.num_parameters() < 600_000


def test_texts_give_the_vocabulary(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    source = tmp_path / "rows.csv"
    source.write_text('text,label\n"The wombat sleeps, wombat wombat.",animal\n', encoding="utf-8")
    assert read_texts(source) == ["The wombat sleeps, wombat wombat.", "animal"]
    folder = build_tiny_model("encoder", tmp_path / "m", texts=read_texts(source))
    assert "wombat" in AutoTokenizer.from_pretrained(folder).tokenize("A wombat")


def test_builtin_texts_never_change_within_a_process() -> None:
    assert builtin_texts(20) == builtin_texts(20)


def test_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'decoder'"):
        build_tiny_model("decoder", tmp_path)  # type: ignore[arg-type]
