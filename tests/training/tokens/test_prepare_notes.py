"""What is told about rows: those that are dropped, and those that are doubtful."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ft_runtime.findings import FindingsError
from ft_runtime.tokens import prepare_data
from support.tokens.dialects import CHATML, EOSLESS, GEMMA, MISTRAL
from support.tokens.rows import (
    chat,
    codes,
    config_for,
    learned,
    prepared,
    prompt,
    rows_of,
    split_rows,
)
from support.tokens.tokenizers import byte_level


def test_a_prompt_that_touches_its_completion_is_told(told):
    prepared("jsonl_prompt", prompt("hello", " a"), prompt("hello\n", "a"), prompt("hello", "a"))
    (item,) = [item for item in told if item.code == "tokens.touching"]
    assert (item.severity, item.where) == ("info", "a.jsonl:3")


def test_a_row_that_is_learned_whole_is_an_error_that_names_it(told):
    fields, code = prompt("", " world"), "tokens.all_supervised"
    data = prepared("jsonl_prompt", prompt("hello", " world"), fields)
    (item,) = told
    assert (item.code, item.severity, item.where) == (code, "error", "a.jsonl:2")
    assert "100 %" in item.message
    assert "rows 2" in item.message
    assert list(data.train["row"]) == [1]
    with pytest.raises(FindingsError) as caught:
        prepared("jsonl_prompt", fields)
    assert code in codes(caught.value.findings)


def test_a_row_whose_answer_the_template_hides_is_an_error_that_names_it(told):
    tokenizer = copy.deepcopy(byte_level(EOSLESS))
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'user' or 'hide' not in messages[0].content %}"
        "{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
    )
    rows = rows_of("jsonl_chat", chat("hello", "world"), chat("hide", "world"))
    data = prepare_data(config_for("jsonl_chat"), rows, split_rows(rows), tokenizer)
    assert data.ledger.entries[1].state == "dropped"
    (item,) = [item for item in told if item.severity == "error"]
    assert item.code == "tokens.mask_not_exact"
    assert item.where == "a.jsonl:2"


def test_what_a_template_refuses_is_dropped_with_its_words(told):
    system = {"role": "system", "content": "terse"}
    refused = {"messages": [system, *chat("hello", "world")["messages"]]}
    data = prepared("jsonl_chat", chat("hello", "world"), refused, refused, dialect=GEMMA)
    assert data.ledger.entries[1].detail == "System role not supported"
    (item,) = told
    assert "System role not supported" in item.message
    assert "2 row(s)" in item.message
    assert "rows 2, 3" in item.message
    twice = {"messages": [*chat("hello")["messages"], *chat("again", "world")["messages"]]}
    data = prepared("jsonl_chat", chat("hello", "world"), twice, dialect=MISTRAL)
    assert "roles must alternate" in data.ledger.entries[1].detail


def test_a_row_of_which_nothing_is_learned_is_an_error_that_names_it(told, monkeypatch):
    """No tokenizer that is known leaves nothing; the guard must hold for one that does."""
    from dataclasses import replace

    from ft_runtime.tokens.encode import Encoder

    place = Encoder._complete

    def nothing(self: Encoder, row: Any, encoded: Any) -> Any:
        found = place(self, row, encoded)
        return replace(found, turns=[(0, 0)]) if "hide" in row.text else found

    monkeypatch.setattr(Encoder, "_complete", nothing)
    data = prepared("jsonl_chat", chat("hello", "world"), chat("hide", "world"))
    assert data.ledger.entries[1].code == "tokens.nothing_supervised"
    (item,) = told
    assert (item.severity, item.where) == ("error", "a.jsonl:2")
    assert "0 %" in item.message


def test_doubtful_rows_are_kept_and_told(told):
    trailing = {
        "messages": [*chat("hello", "world")["messages"], {"role": "user", "content": "ok"}]
    }
    data = prepared(
        "jsonl_chat",
        chat("say <|im_end|>", "world"),
        trailing,
        chat("hello", "world"),
    )
    assert data.ledger.counts()["whole"] == 3
    assert {item.code: item.where for item in told} == {
        "tokens.control_text": "a.jsonl:1",
        "tokens.trailing_messages": "a.jsonl:2",
    }
    assert list(data.train[1]["input_ids"]) == list(data.train[2]["input_ids"])


def test_an_end_token_that_was_appended_is_told_once(told):
    data = prepared("jsonl_chat", chat("hello", "world"), chat("hello", "fox"), dialect=EOSLESS)
    (item,) = told
    assert item.code == "tokens.end_appended"
    assert "2 row(s)" in item.message
    assert learned(byte_level(EOSLESS), data.train[0]).endswith("world\n</s>")
    assert data.end_token_ids == (byte_level(EOSLESS).eos_token_id,)


def test_the_limit_of_the_model_is_kept_and_told(told):
    tokenizer = copy.deepcopy(byte_level(CHATML))
    tokenizer.model_max_length = 20
    rows = rows_of("jsonl_chat", chat("hello", "the quick brown fox " * 10), chat("hello", "world"))
    data = prepare_data(config_for("jsonl_chat"), rows, split_rows(rows), tokenizer)
    assert data.max_seq_len == max(len(ids) for ids in data.train["input_ids"]) == 20
    assert "tokens.model_limit" in codes(told)
