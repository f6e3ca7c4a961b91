"""The tokenizer: a pad token that hides no end token, and a chat template when one is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ft_runtime.findings import Finding, FindingsError
from ft_runtime.models import load_tokenizer
from ft_runtime.models.tokenizer import settle_pad_token
from support.settings import make_config

Edit = Callable[..., None]


def codes(told: list[Finding]) -> list[str]:
    return [item.code for item in told]


def raw_tokenizer(special: list[str], **named: str) -> Any:
    """A tokenizer of one word, with special tokens that have names, or have none."""
    from tokenizers import AddedToken, Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordLevel({"word": 0}, unk_token=None))
    core.add_special_tokens([AddedToken(token, special=True) for token in special])
    return PreTrainedTokenizerFast(tokenizer_object=core, **named)


def test_a_pad_token_of_its_own_is_kept(tiny_causal_dir: Path, told: list[Finding]) -> None:
    tokenizer = load_tokenizer(make_config(tiny_causal_dir))
    assert tokenizer.pad_token == "<|pad|>"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert tokenizer.padding_side == "right"
    assert told == []


@pytest.mark.parametrize(
    ("special", "named", "chosen"),
    [
        (["<s>", "</s>", "<pad>"], {}, "<pad>"),
        (["<s>", "</s>", "<|reserved_1|>", "<|finetune_right_pad_id|>"], {}, "<|finetune_right_pad_id|>"),
        (["<s>", "</s>", "[PAD]", "[unused1]"], {}, "[PAD]"),
        (["<s>", "</s>", "<|reserved_special_token_0|>", "<unk>"], {"unk_token": "<unk>"}, "<|reserved_special_token_0|>"),
        (["<s>", "</s>", "<unk>"], {"unk_token": "<unk>"}, "<unk>"),
        (["<s>", "</s>"], {}, "<|pad|>"),
        # The pad token of the files is the end token: that is what must not stay.
        (["<s>", "</s>", "<unk>"], {"unk_token": "<unk>", "pad_token": "</s>"}, "<unk>"),
        # The unknown token is the end token, as in GPT-2.
        (["</s>"], {"unk_token": "</s>", "bos_token": "</s>"}, "<|pad|>"),
    ],
)  # fmt: skip
def test_the_pad_token_is_never_the_end_token(
    special: list[str], named: dict[str, str], chosen: str, told: list[Finding]
) -> None:
    tokenizer = raw_tokenizer(special, **{"bos_token": "<s>", "eos_token": "</s>", **named})
    settle_pad_token(tokenizer, rows=64)
    assert tokenizer.pad_token == chosen
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert len(tokenizer) <= 64
    assert codes(told) == ["models.pad_chosen"]


def test_a_token_of_the_chat_template_is_not_spare(told: list[Finding]) -> None:
    tokenizer = raw_tokenizer(["</s>", "<|reserved_0|>", "<|reserved_1|>"], eos_token="</s>")
    tokenizer.chat_template = "{{ '<|reserved_0|>' }}"
    settle_pad_token(tokenizer, rows=64)
    assert tokenizer.pad_token == "<|reserved_1|>"


@pytest.mark.parametrize("rows", [None, 2])
def test_the_end_token_pads_when_there_is_nothing_else(
    rows: int | None, told: list[Finding]
) -> None:
    tokenizer = raw_tokenizer(["</s>"], eos_token="</s>")
    settle_pad_token(tokenizer, rows)
    assert tokenizer.pad_token == "</s>"
    assert len(tokenizer) == 2
    assert [(item.code, item.severity) for item in told] == [("models.pad_is_end", "info")]


def test_a_tokenizer_without_any_end_is_refused() -> None:
    with pytest.raises(FindingsError, match="no_end_token"):
        settle_pad_token(raw_tokenizer([]), rows=1)


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("jsonl_chat", ["models.no_chat_template"]),
        ("jsonl_instr", ["models.no_chat_template"]),
        ("jsonl_prompt", []),
    ],
)
def test_a_base_model_gets_the_plain_template_when_the_data_needs_one(
    format: str, expected: list[str], causal_copy: Path, told: list[Finding]
) -> None:
    from ft_runtime.tokens.template import PLAIN_CHAT_TEMPLATE

    (causal_copy / "chat_template.jinja").unlink()
    tokenizer = load_tokenizer(make_config(causal_copy, format=format))
    assert codes(told) == expected
    assert tokenizer.chat_template == (PLAIN_CHAT_TEMPLATE if expected else None)


def test_a_model_without_tokenizer_files(causal_copy: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (causal_copy / name).unlink()
    with pytest.raises(FindingsError) as error:
        load_tokenizer(make_config(causal_copy))
    assert [item.code for item in error.value.findings] == ["models.no_tokenizer"]


def test_damaged_tokenizer_files(causal_copy: Path) -> None:
    (causal_copy / "tokenizer.json").write_text('{"version": "1.0"}')
    with pytest.raises(FindingsError) as error:
        load_tokenizer(make_config(causal_copy))
    assert [item.code for item in error.value.findings] == ["models.no_tokenizer"]
