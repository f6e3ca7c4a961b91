"""From rows to datasets: every row accounted for, too many lost stops, equal input equal digests."""

from __future__ import annotations

import copy
import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, Features, List, Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ft_runtime as ft
from ft_runtime import findings
from ft_runtime.findings import Finding, FindingsError, finding
from ft_runtime.tokens import PreparedData, prepare_data
from ft_runtime.tokens.prepared import IGNORED, Table
from support.tokens.dialects import CHATML, EOSLESS, GEMMA, MISTRAL
from support.tokens.rows import chat, config_for, prepared, prompt, rows_of, split_rows
from support.tokens.tokenizers import byte_level, word_piece


@pytest.fixture
def told():
    """Findings that were shown while the test ran."""
    found: list[Finding] = []
    with findings.subscribed(found.append):
        yield found


def codes(found: Sequence[Finding]) -> set[str]:
    return {item.code for item in found}


def learned(tokenizer: Any, row: dict[str, Any]) -> str:
    ids = [label for label in row["labels"] if label != IGNORED]
    return tokenizer.decode(ids, skip_special_tokens=False)


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


def test_a_prompt_that_touches_its_completion_is_told(told):
    prepared("jsonl_prompt", prompt("hello", " a"), prompt("hello\n", "a"), prompt("hello", "a"))
    (item,) = [item for item in told if item.code == "tokens.touching"]
    assert (item.severity, item.where) == ("info", "a.jsonl:3")


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


def test_the_ledger_has_every_row_and_is_written_to_the_run(tmp_path, told):
    rows = rows_of(
        "jsonl_chat",
        chat("hello", "world"),
        None,
        chat("hello", "the fox " * 40),
        chat("hello " * 60, "world"),
        chat("hello", "world", "late " * 40, "Paris"),
        chat("only a question"),
        chat("in no split", "at all"),
    )
    splits = split_rows(rows)
    splits.train = splits.train[:-1]
    run = FakeRun(tmp_path)
    config = config_for("jsonl_chat", length=30)
    data = prepare_data(config, rows, splits, byte_level(CHATML), run)  # type: ignore[arg-type]
    with (tmp_path / "ledger.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert [(line["row"], line["state"], line["code"]) for line in lines] == [
        ("1", "whole", ""),
        ("2", "dropped", "data.no_messages"),
        ("3", "lost_end", "tokens.lost_end"),
        ("4", "dropped", "tokens.cut_away"),
        ("5", "truncated", "tokens.truncated"),
        ("6", "dropped", "tokens.no_answer"),
        ("7", "dropped", "tokens.in_no_split"),
    ]
    assert all(line["detail"] for line in lines if line["code"])
    assert list(data.train["row"]) == [1, 3, 5]
    assert [len(ids) for ids in data.train["input_ids"]] == [
        int(lines[i]["tokens"]) for i in (0, 2, 4)
    ]
    assert [example.row for example in data.examples["train"]] == [1, 3, 5]
    assert codes(told) == {
        "tokens.lost_end", "tokens.cut_away", "tokens.truncated", "tokens.no_answer",
    }  # fmt: skip
    (cut,) = [item for item in told if item.code == "tokens.lost_end"]
    assert cut.where == "a.jsonl:3"


def test_too_many_lost_stops_before_training_and_names_the_length_that_helps(tmp_path):
    answers = ["the quick brown fox " * count for count in (1, 1, 2, 4, 8)]
    rows = rows_of("jsonl_chat", *(chat("hello", answer) for answer in answers))
    run = FakeRun(tmp_path)
    tokenizer = byte_level(CHATML)

    def prepare(length: int) -> PreparedData:
        config = config_for("jsonl_chat", length=length, lost=0.2)
        return prepare_data(config, rows, split_rows(rows), tokenizer, run)  # type: ignore[arg-type]

    with pytest.raises(FindingsError) as caught:
        prepare(16)
    (stop,) = [item for item in caught.value.findings if item.code == "tokens.too_many_lost"]
    assert "lost_end" in (tmp_path / "ledger.csv").read_text(encoding="utf-8")
    advised = int(stop.hint.split("max_seq_len to ")[1].split()[0])
    assert prepare(advised).ledger.lost_fraction <= 0.2
    with pytest.raises(FindingsError):
        prepare(advised - 1)


def test_no_row_to_train_on_is_an_error_with_the_reasons():
    with pytest.raises(FindingsError) as caught:
        prepared("jsonl_chat", chat("only a question"), None)
    assert codes(caught.value.findings) == {"tokens.no_training_rows", "tokens.no_answer"}


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


def test_the_limit_of_the_model_is_kept_and_told(told):
    tokenizer = copy.deepcopy(byte_level(CHATML))
    tokenizer.model_max_length = 20
    rows = rows_of("jsonl_chat", chat("hello", "the quick brown fox " * 10), chat("hello", "world"))
    data = prepare_data(config_for("jsonl_chat"), rows, split_rows(rows), tokenizer)
    assert data.max_seq_len == max(len(ids) for ids in data.train["input_ids"]) == 20
    assert "tokens.model_limit" in codes(told)


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


def test_equal_input_gives_equal_digests_and_other_input_others(tmp_path):
    rows = rows_of("jsonl_chat", chat("hello", "world"), chat("what", "Paris"), chat("a", "b"))
    tokenizer = byte_level(CHATML)
    pins = []
    for length in (512, 512, 12):
        run = FakeRun(tmp_path)
        config = config_for("jsonl_chat", length=length)
        data = prepare_data(config, rows, split_rows(rows, val=1), tokenizer, run)  # type: ignore[arg-type]
        pins.append(run.pins["data"])
        assert run.pins["data"]["tokens"] == data.pin
    assert pins[0] == pins[1]
    assert pins[0]["tokens"]["train"] != pins[2]["tokens"]["train"]
    assert pins[0]["sources"] == {"a.jsonl": {"sha256": "0" * 64, "revision": None}}
    assert set(pins[0]["tokens"]) == {"train", "val", "test"}


def test_a_real_run_takes_the_ledger_and_the_pin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = rows_of("jsonl_chat", chat("hello", "world"))
    config = config_for("jsonl_chat")
    run = ft.start_run(config)
    try:
        data = prepare_data(config, rows, split_rows(rows), byte_level(CHATML), run)
        assert run.manifest["pinned"]["data"]["tokens"] == data.pin
        assert (run.path / "ledger.csv").is_file()
    finally:
        run.close()


def test_a_refused_resume_leaves_the_ledger_of_the_run(tmp_path):
    class Refusing(FakeRun):
        def pin(self, kind: str, value: Any) -> None:
            raise FindingsError([finding("run.data_changed", kind, expected=1, got=2, folder="x")])

    (tmp_path / "ledger.csv").write_text("the run's own")
    rows = rows_of("jsonl_chat", chat("hello", "world"))
    with pytest.raises(FindingsError, match="data_changed"):
        prepare_data(
            config_for("jsonl_chat"), rows, split_rows(rows), byte_level(CHATML), Refusing(tmp_path)
        )
    assert (tmp_path / "ledger.csv").read_text() == "the run's own"


def test_a_folder_that_cannot_be_written_is_a_finding(tmp_path):
    (tmp_path / "file").write_text("in the way")
    rows = rows_of("jsonl_chat", chat("hello", "world"))
    run = FakeRun(tmp_path / "file" / "folder")
    with pytest.raises(FindingsError, match="cannot_write"):
        prepare_data(config_for("jsonl_chat"), rows, split_rows(rows), byte_level(CHATML), run)  # type: ignore[arg-type]


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


words = st.lists(
    st.sampled_from(["hello", "world", " ", "\n", "<|im_end|>", "é", "🎉"]), max_size=30
)
any_chat = st.lists(words.map("".join), max_size=5).map(lambda contents: chat(*contents))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.none() | any_chat, min_size=1, max_size=8), st.integers(8, 60))
def test_every_row_ends_in_one_state_and_nothing_is_lost(fields, length):
    rows = rows_of("jsonl_chat", *(item if item and item["messages"] else None for item in fields))
    config = config_for("jsonl_chat", length=length)
    try:
        data = prepare_data(
            config, rows, split_rows(rows, val=min(len(rows.usable), 1)), byte_level(CHATML)
        )
    except FindingsError as error:
        assert "tokens.no_training_rows" in codes(error.findings)
        return
    ledger = data.ledger
    assert sum(ledger.counts().values()) == len(rows.rows)
    assert [entry.row for entry in ledger.entries] == [row.number for row in rows.rows]
    used = {row for name in ("train", "val") for row in data.split(name)["row"]}
    assert used == {entry.row for entry in ledger.entries if entry.state != "dropped"}
    for name in ("train", "val"):
        assert [e.row for e in data.examples[name]] == list(data.split(name)["row"])
        for row in data.split(name):
            entry = ledger.entries[row["row"] - 1]
            assert entry.tokens == len(row["input_ids"]) <= length
            supervised = [label for label in row["labels"] if label != IGNORED]
            assert 0 < len(supervised) == entry.supervised_tokens < entry.tokens
            if entry.state != "lost_end":
                last = max(i for i, label in enumerate(row["labels"]) if label != IGNORED)
                assert row["labels"][last] in data.end_token_ids


def test_the_summary_shows_splits_totals_and_classes():
    data = prepared("jsonl_chat", chat("hello", "world"), chat("what", "Paris"), val=1)
    shown = repr(data)
    assert "train 1, val 1, test 0 rows" in shown
    assert "Ledger of 2 rows" in shown
    assert "<table>" in data._repr_html_()


class FakeRun:
    """What `prepare_data` asks of a run."""

    def __init__(self, path: Path, created: str = "2026-01-01T00:00:00.000+00:00") -> None:
        self.path = path
        self.manifest = {"created": created}
        self.pins: dict[str, Any] = {}

    def pin(self, kind: str, value: Any) -> None:
        self.pins[kind] = value


def test_a_table_gives_back_its_rows_and_takes_few_bytes_a_token():
    rows = [(1, [5, 6, 7], [IGNORED, 6, 7]), (4, [8], [8]), (9, list(range(50_000)), [3] * 50_000)]
    table = Table(classes=False)
    for row in rows:
        table.add(*row)
    assert len(table) == 3
    expected = Dataset.from_dict(
        dict(zip(("row", "input_ids", "labels"), zip(*rows, strict=True), strict=True))
    )
    made = table.dataset()
    assert made.features == Features(
        input_ids=List(Value("int64")), labels=List(Value("int64")), row=Value("int64")
    )
    assert made.to_list() == expected.to_list()
    assert made.data.nbytes < 17 * 50_010

    flat = [number for _, ids, labels in rows for number in (len(ids), *ids, *labels)]
    wanted = hashlib.sha256(b"".join(number.to_bytes(8, "little", signed=True) for number in flat))
    assert table.digest() == wanted.hexdigest()


def test_a_table_of_classes_and_an_empty_one():
    table = Table(classes=True)
    assert len(table.dataset()) == 0
    table = Table(classes=True)
    table.add(2, [1, 2], 1)
    assert table.dataset().to_list() == [{"input_ids": [1, 2], "labels": 1, "row": 2}]
    assert Table(classes=False).dataset().to_list() == []


def test_a_template_that_is_no_jinja_is_the_model_s_fault_and_no_row_s():
    tokenizer = copy.deepcopy(byte_level(CHATML))
    tokenizer.chat_template = "{{ bos_token }}\n{% for x %}"
    rows = rows_of("jsonl_chat", chat("hello", "world"))
    with pytest.raises(FindingsError) as error:
        prepare_data(config_for("jsonl_chat"), rows, split_rows(rows, 0, 0), tokenizer)
    (found,) = error.value.findings
    assert found.code == "tokens.template_broken"
    assert "line 2" in found.message
