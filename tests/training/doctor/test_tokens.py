"""The rows as the tokenizer sees them: refusals, lengths, ends, and one row drawn."""

from __future__ import annotations

import pytest

from ft_runtime.doctor.tokens import check_tokens
from ft_runtime.doctor.tokens.draw import LEARNED, READ
from support.tokens.dialects import CHATML, DIALECTS
from support.tokens.rows import rows_of
from support.tokens.tokenizers import byte_level, word_piece


def chat(*turns):
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": t} for i, t in enumerate(turns)]}


def check(*fields, format="jsonl_chat", limit=512, dialect=CHATML):
    rows = rows_of(format, *fields).rows
    return check_tokens(rows, format, byte_level(dialect), limit)


def codes(report):
    return {item.code for item in report.findings}


def test_good_rows_are_measured_and_nothing_is_said():
    report = check(chat("hello", "world"), chat("question", "answer", "hello", "it is late"))
    assert codes(report) == set()
    tokenizer = byte_level(CHATML)
    expected = [
        len(tokenizer.apply_chat_template(chat(*t)["messages"], tokenize=True)["input_ids"])
        for t in (("hello", "world"), ("question", "answer", "hello", "it is late"))
    ]
    assert report.lengths["least"] == min(expected)
    assert report.lengths["most"] == max(expected)
    assert report.tokens == sum(expected)
    assert 0 < report.supervised < 1
    assert sum(report.histogram.values()) == 2


def test_every_row_that_the_template_refuses_is_named():
    strict = next(dialect for dialect in DIALECTS if dialect.alternating)
    bad = {"messages": [*chat("a", "b")["messages"], {"role": "assistant", "content": "c"}]}
    report = check(chat("a", "b"), bad, chat("c", "d"), bad, dialect=strict)
    assert report.dropped == {"tokens.template_refused": 2}
    assert [place for place, _ in report.refused] == ["a.jsonl:2", "a.jsonl:4"]
    assert "tokens.template_refused" in codes(report)


def test_the_cost_of_the_limit_is_counted():
    fields = [chat("hello", "world"), chat("hello", "the lazy dog " * 40), chat("q " * 90, "a")]
    whole = check(*fields)
    limit = whole.lengths["least"] + 5
    report = check(*fields, limit=limit)
    assert report.over == 2
    assert report.lengths == whole.lengths
    (found,) = (i for i in report.findings if i.code == "data.over_length")
    assert "2 of 3 rows" in found.message
    assert "2 row(s) lose the end" in found.message


def test_a_row_is_drawn_token_by_token():
    report = check(chat("hello <b>", "world"))
    drawn = report.drawn
    tokenizer = byte_level(CHATML)
    assert tokenizer.decode([number for _, number, _, _ in drawn.tokens]) == drawn.example.text
    learned = "".join(text for _, _, text, learned in drawn.tokens if learned)
    assert learned.startswith("world")
    assert LEARNED in repr(drawn)
    assert READ in repr(drawn)
    assert "<b>" not in drawn._repr_html_()
    assert report.to_dict()["drawn"]["tokens"][0]["position"] == 0


def test_a_long_row_is_drawn_at_its_ends():
    report = check(chat("hello " * 600, "world"), limit=5000)
    assert report.drawn.left_out > 0
    assert len(report.drawn.tokens) == 400
    assert "…" in repr(report.drawn)


def test_two_begin_tokens_are_told():
    tokenizer = word_piece()
    begin = tokenizer.cls_token
    fields = [{"text": f"{begin} hello", "label": "a"}, {"text": "hello", "label": "b"}]
    rows = rows_of("csv_classification", *fields).rows
    tokenizer.bos_token = begin
    report = check_tokens(rows, "csv_classification", tokenizer, 64, ["a", "b"])
    assert "data.double_bos" in codes(report)
    (found,) = (i for i in report.findings if i.code == "data.double_bos")
    assert found.where == "a.jsonl:1"


def test_a_prompt_without_words_is_all_supervised_and_told():
    report = check({"prompt": "", "completion": "answer"}, format="jsonl_prompt")
    assert set(report.dropped) <= {"tokens.all_supervised", "tokens.nothing_supervised"}
    assert report.dropped


def test_a_tokenizer_without_template_is_a_finding():
    from transformers import PreTrainedTokenizerFast

    bare = PreTrainedTokenizerFast(
        tokenizer_object=byte_level(CHATML).backend_tokenizer, eos_token="<|im_end|>"
    )
    report = check_tokens(rows_of("jsonl_chat", chat("a", "b")).rows, "jsonl_chat", bare, 64)
    assert codes(report) == {"tokens.no_template"}


def test_a_data_file_is_checked_with_a_tokenizer(tmp_path, capsys, monkeypatch):
    import json

    from ft_runtime.cli import main
    from support.small_data import jsonl

    byte_level(CHATML).save_pretrained(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    jsonl(tmp_path / "a.jsonl", [chat(f"hello {i}", "world") for i in range(5)])
    command = ["check", "a.jsonl", "--tokenizer", "model", "--max-seq-len", "4", "--json"]
    main([*command, "--html", "r.html"])
    document = json.loads(capsys.readouterr().out)
    assert document["tokens"]["rows"] == 5
    assert document["tokens"]["over"] == 5
    assert main(["check", "a.jsonl", "--tokenizer", "nowhere"]) == 1
    assert "no_tokenizer" in capsys.readouterr().err


@pytest.mark.parametrize("dialect", DIALECTS, ids=repr)
def test_rows_of_every_family_are_learned_to_their_end(dialect):
    report = check(chat("hello", "world"), chat("question", "answer"), dialect=dialect)
    assert "data.double_bos" not in codes(report)
    assert report.dropped == {}


@pytest.mark.parametrize(("line", "drawn"), [(None, 1), (3, 3), (99, 1)])
def test_the_row_that_is_asked_for_is_drawn(line, drawn):
    rows = rows_of("jsonl_chat", *(chat(f"question {i}", f"answer {i}") for i in range(4))).rows
    report = check_tokens(rows, "jsonl_chat", byte_level(CHATML), 512, line=line)
    assert report.drawn.example.row == drawn
    assert f"answer {drawn - 1}" in report.drawn.example.text
    assert ("doctor_report.other_drawn" in codes(report)) is (line == 99)
