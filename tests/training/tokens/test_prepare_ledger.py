"""Every row accounted for, too many lost stops, equal input equal digests."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ft_runtime as ft
from ft_runtime.doctor.examine import examine
from ft_runtime.findings import FindingsError, finding
from ft_runtime.tokens import PreparedData, prepare_data
from ft_runtime.tokens.prepared import IGNORED
from support.small_data import jsonl
from support.tokens.dialects import CHATML
from support.tokens.rows import FakeRun, chat, codes, config_for, prepared, rows_of, split_rows
from support.tokens.tokenizers import byte_level


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


def test_a_run_leaves_the_version_record_of_its_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = [{"prompt": f"question {i}", "completion": f"answer {i}"} for i in range(20)]
    jsonl(tmp_path / "a.jsonl", given)
    newer = [*given[1:], {"prompt": "another", "completion": "one"}]
    jsonl(tmp_path / "b.jsonl", newer)
    config = ft.load_config(
        {"model_id": "m", "dataset": {"path": "a.jsonl", "format": "jsonl_prompt"}}
    )
    run = ft.start_run(config)
    try:
        rows = ft.load_rows(config)
        prepare_data(config, rows, ft.split_rows(rows, config), byte_level(CHATML), run)
    finally:
        run.close()
    assert examine("a.jsonl", against=str(run.path)).diff.same
    found = examine("b.jsonl", against=str(run.path)).diff
    assert (found.kept, found.added, found.removed) == (19, 1, 1)
