"""From rows to token ids and labels: chats, instructions, prompts, classes; limits and clocks."""

from __future__ import annotations

import copy

import pytest

from ft_runtime.findings import FindingsError
from ft_runtime.tokens import prepare_data
from ft_runtime.tokens.prepared import IGNORED
from support.tokens.dialects import CHATML
from support.tokens.rows import (
    FakeRun,
    chat,
    codes,
    config_for,
    learned,
    prepared,
    prompt,
    rows_of,
    split_rows,
)
from support.tokens.tokenizers import byte_level, word_piece


def test_a_chat_becomes_ids_labels_and_its_row_number(told):
    data = prepared("jsonl_chat", chat("hello", "world"), chat("what", "Paris", "and", "late"))
    assert data.train.column_names == ["input_ids", "labels", "row"]
    assert list(data.train["row"]) == [1, 2]
    assert learned(byte_level(CHATML), data.train[0]) == "world<|im_end|>"
    assert learned(byte_level(CHATML), data.train[1]) == "Paris<|im_end|>late<|im_end|>"
    for row in data.train:
        assert len(row["input_ids"]) == len(row["labels"])
        pairs = zip(row["input_ids"], row["labels"], strict=True)
        assert all(label in (IGNORED, token) for token, label in pairs)
    assert data.end_token_ids == (byte_level(CHATML).eos_token_id,)
    assert data.ledger.counts() == {"whole": 2, "truncated": 0, "lost_end": 0, "dropped": 0}
    assert told == []


def test_an_instruction_is_a_question_a_blank_line_and_the_input():
    data = prepared(
        "jsonl_instr",
        {"instruction": "Add", "input": "2 and 2", "output": "4", "system": "terse"},
        {"instruction": "Say hello", "input": "", "output": "hello"},
    )
    first, second = data.examples["train"]
    assert first.messages == [
        {"role": "system", "content": "terse"},
        {"role": "user", "content": "Add\n\n2 and 2"},
        {"role": "assistant", "content": "4"},
    ]
    assert first.prompt == (
        "<|im_start|>system\nterse<|im_end|>\n<|im_start|>user\nAdd\n\n2 and 2<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert first.reference == "4"
    assert second.messages is not None
    assert second.messages[0] == {"role": "user", "content": "Say hello"}
    assert learned(byte_level(CHATML), data.train[0]) == "4<|im_end|>"


def test_a_prompt_has_no_template():
    data = prepared("jsonl_prompt", prompt("2 + 2 =", " 4"))
    tokenizer = byte_level(CHATML)
    assert tokenizer.decode(data.train[0]["input_ids"]) == "2 + 2 = 4<|im_end|>"
    assert learned(tokenizer, data.train[0]) == " 4<|im_end|>"
    (example,) = data.examples["train"]
    assert (example.messages, example.prompt, example.reference) == (None, "2 + 2 =", " 4")


def test_a_class_is_a_number_and_its_name_is_kept():
    rows = rows_of(
        "csv_classification",
        {"text": "the quick fox", "label": "good"},
        {"text": "lazy " * 50, "label": "bad"},
        {"text": "the dog", "label": "unheard of"},
    )
    rows.label_names = ["bad", "good"]
    config = config_for("csv_classification", length=16)
    tokenizer = word_piece()
    data = prepare_data(config, rows, split_rows(rows), tokenizer)
    assert list(data.train["labels"]) == [1, 0]
    assert tokenizer.decode(data.train[0]["input_ids"]) == "[CLS] the quick fox [SEP]"
    # The tokens around a text are kept when the text is cut.
    assert len(data.train[1]["input_ids"]) == 16
    assert tokenizer.decode(data.train[1]["input_ids"]).endswith("[SEP]")
    states = [(entry.state, entry.tokens_cut > 0, entry.code) for entry in data.ledger.entries]
    assert states == [
        ("whole", False, ""),
        ("truncated", True, "tokens.truncated"),
        ("dropped", False, "tokens.unknown_label"),
    ]
    assert "unheard of" in data.ledger.entries[2].detail
    assert data.label_names == ["bad", "good"]
    assert data.end_token_ids == ()
    assert [example.label for example in data.examples["train"]] == ["good", "bad"]


def test_without_a_template_or_an_end_token_nothing_is_guessed():
    tokenizer = copy.deepcopy(byte_level(CHATML))
    tokenizer.chat_template = None
    rows = rows_of("jsonl_chat", chat("hello", "world"))
    with pytest.raises(FindingsError, match="no_template"):
        prepare_data(config_for("jsonl_chat"), rows, split_rows(rows), tokenizer)
    tokenizer.eos_token = None
    rows = rows_of("jsonl_prompt", prompt("hello", " world"))
    with pytest.raises(FindingsError, match="no_end"):
        prepare_data(config_for("jsonl_prompt"), rows, split_rows(rows), tokenizer)


def test_pad_as_an_alias_of_the_end_hides_nothing():
    tokenizer = copy.deepcopy(byte_level(CHATML))
    tokenizer.pad_token = tokenizer.eos_token
    rows = rows_of("jsonl_chat", chat("hello", "world"))
    config = config_for("jsonl_chat")
    data = prepare_data(config, rows, split_rows(rows), tokenizer)
    from ft_runtime.tokens import collator_for

    batch = collator_for(config, tokenizer)(list(data.train))
    assert tokenizer.eos_token_id in batch["labels"].flatten().tolist()


def test_the_evaluation_split_is_test_then_val():
    rows = [chat("hello", "world")] * 4
    assert prepared("jsonl_chat", *rows).held_out is None
    assert prepared("jsonl_chat", *rows, val=1).held_out == "val"
    assert prepared("jsonl_chat", *rows, val=1, test=1).held_out == "test"


CLOCK = "Today is {{ strftime_now('%d %b %Y') }}. " + CHATML.template


def test_the_date_in_a_template_is_the_start_of_the_run(tmp_path, told):
    tokenizer = copy.deepcopy(byte_level(CHATML))
    tokenizer.chat_template = CLOCK
    rows = rows_of("jsonl_chat", chat("hello", "world"))
    run = FakeRun(tmp_path, created="2025-02-03T23:59:59.999+00:00")
    config = config_for("jsonl_chat")
    data = prepare_data(config, rows, split_rows(rows), tokenizer, run)  # type: ignore[arg-type]
    text = tokenizer.decode(data.train[0]["input_ids"], skip_special_tokens=False)
    assert text.startswith("Today is 03 Feb 2025. <|im_start|>user")
    assert codes(told) == {"tokens.clock"}


def test_a_format_of_the_date_that_is_computed_keeps_the_clock():
    tokenizer = copy.deepcopy(byte_level(CHATML))
    tokenizer.chat_template = CLOCK.replace("'%d %b %Y'", "'%' + 'Y'")
    rows = rows_of("jsonl_chat", chat("hello", "world"))
    data = prepare_data(config_for("jsonl_chat"), rows, split_rows(rows), tokenizer)
    text = tokenizer.decode(data.train[0]["input_ids"], skip_special_tokens=False)
    assert text.startswith("Today is 2")


def test_a_template_that_is_no_jinja_is_the_model_s_fault_and_no_row_s():
    tokenizer = copy.deepcopy(byte_level(CHATML))
    tokenizer.chat_template = "{{ bos_token }}\n{% for x %}"
    rows = rows_of("jsonl_chat", chat("hello", "world"))
    with pytest.raises(FindingsError) as error:
        prepare_data(config_for("jsonl_chat"), rows, split_rows(rows, 0, 0), tokenizer)
    (found,) = error.value.findings
    assert found.code == "tokens.template_broken"
    assert "line 2" in found.message
