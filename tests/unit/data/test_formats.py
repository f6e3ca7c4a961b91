"""What each format makes of a row."""

from __future__ import annotations

from typing import Any

import pytest

from ft_runtime.data import check_rows
from ft_runtime.data.same import content_key, prompt_key
from ft_runtime.doctor import scan
from ft_runtime.doctor.blank import is_blank as blank


def load(make_config, path, format, **dataset):
    rows, found = check_rows(make_config(path, format, **dataset))
    assert rows is not None, found
    return rows


def test_sharegpt_turns_become_messages_and_that_is_told(write, make_config):
    turns = [
        {"from": "system", "value": "s"},
        {"from": "human", "value": "q"},
        {"from": "gpt", "value": "a"},
    ]
    path = write("a.jsonl", [{"conversations": turns}])
    rows = load(make_config, path, "jsonl_chat", columns={"messages": "conversations"})
    assert rows.rows[0].fields == {
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "a"},
        ]
    }
    assert [item.code for item in rows.findings] == ["data.sharegpt_turns"]


@pytest.mark.parametrize(
    ("turn", "code"),
    [
        ({"from": "human"}, "data.missing_content"),
        ({"from": "martian", "value": "q"}, "data.unknown_role"),
        ({"from": 3, "value": "q"}, "data.role_not_text"),
        ({"from": "human", "value": None}, "data.null_field"),
    ],
)
def test_bad_sharegpt_turns(turn, code, write, make_config):
    good = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    bad = {"messages": [turn, {"from": "gpt", "value": "a"}]}
    rows = load(make_config, write("a.jsonl", [good, bad]), "jsonl_chat")
    assert [problem.code for problem in rows.rows[1].problems] == [code]


def test_tool_calls_are_kept_whole(write, make_config):
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "1", "function": {"name": "f"}}],
    }
    messages = [
        {"role": "user", "content": "q"},
        call,
        {"role": "tool", "content": "", "tool_call_id": "1", "name": "f"},
        {"role": "assistant", "content": "a"},
    ]
    rows = load(make_config, write("a.jsonl", [{"messages": messages}]), "jsonl_chat")
    assert rows.rows[0].fields == {"messages": messages}
    assert rows.findings == []


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ({"instruction": "i", "input": "n", "output": "o"}, {"instruction": "i", "input": "n", "output": "o"}),
        ({"instruction": "i", "output": "o"}, {"instruction": "i", "input": "", "output": "o"}),
        ({"instruction": "i", "input": None, "output": "o"}, {"instruction": "i", "input": "", "output": "o"}),
        ({"instruction": "i", "input": "", "output": "o", "system": ""}, {"instruction": "i", "input": "", "output": "o"}),
        ({"instruction": "i", "input": " x ", "output": "o", "system": "s"}, {"instruction": "i", "input": " x ", "output": "o", "system": "s"}),
    ],
)  # fmt: skip
def test_instructions(row, fields, write, make_config):
    rows = load(make_config, write("a.jsonl", [row]), "jsonl_instr")
    assert rows.rows[0].fields == fields


@pytest.mark.parametrize(
    ("change", "place", "code"),
    [
        ({"instruction": ""}, "instruction", "data.empty_field"),
        ({"output": None}, "output", "data.null_field"),
        ({"output": "\u200b"}, "output", "data.empty_field"),
        ({"input": ["a"]}, "input", "data.not_text"),
        ({"input": 5}, "input", "data.not_text"),
        ({"system": {}}, "system", "data.not_text"),
        ({"input": "\ud800"}, "input", "data.lone_surrogate"),
    ],
)
def test_bad_instructions(change, place, code, write, make_config):
    good = {"instruction": "i", "input": "n", "output": "o"}
    rows = load(make_config, write("a.jsonl", [good, good | change]), "jsonl_instr")
    assert [(p.code, p.where) for p in rows.rows[1].problems] == [(code, f"a.jsonl:2 {place}")]
    assert rows.rows[1].fields is not None  # kept, so that the ledger can show what was lost


def test_problems_name_the_column_of_the_file(write, make_config):
    content = [{"question": "q", "answer": "a"}, {"question": "q", "answer": ""}, {"question": "q"}]
    columns = {"prompt": "question", "completion": "answer"}
    rows = load(make_config, write("a.jsonl", content), "jsonl_prompt", columns=columns)
    assert rows.rows[0].fields == {"prompt": "q", "completion": "a"}
    assert rows.rows[1].problems[0].where == "a.jsonl:2 answer"
    assert '"answer"' in rows.rows[2].problems[0].message


def test_prompts_keep_their_spaces(write, make_config):
    row = {"prompt": " p\n", "completion": " c "}
    assert load(make_config, write("a.jsonl", [row]), "jsonl_prompt").rows[0].fields == row


def labels(make_config, write, *values: Any):
    content = [{"text": f"t{i}", "label": value} for i, value in enumerate(values)]
    return load(make_config, write("a.jsonl", content), "csv_classification")


def test_labels_of_json_are_read_as_texts_and_that_is_told(write, make_config):
    rows = labels(make_config, write, 1, 0, "1", True, "no", False)
    assert [row.fields["label"] for row in rows.rows] == ["1", "0", "1", "true", "no", "false"]
    assert rows.label_names == ["0", "1", "false", "no", "true"]
    assert "data.label_from_json" in [item.code for item in rows.findings]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0.5, "data.label_is_fraction"),
        (["a", "b"], "data.several_labels"),
        (None, "data.null_field"),
        ({}, "data.not_text"),
        ("  ", "data.empty_field"),
    ],
)
def test_bad_labels(value, code, write, make_config):
    rows = labels(make_config, write, "a", "b", value)
    assert [problem.code for problem in rows.rows[2].problems] == [code]


def test_a_text_that_is_a_number_is_no_text(write, make_config):
    content = [{"text": "a", "label": "x"}, {"text": 3, "label": "y"}, {"text": "b", "label": "y"}]
    rows = load(make_config, write("a.jsonl", content), "csv_classification")
    assert rows.rows[1].problems[0].code == "data.not_text"


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t", "\u200b", "\u00ad\u2060\ufeff", "\u3164\u2800", "\x00"]
)
def test_blank(text):
    assert blank(text)


@pytest.mark.parametrize("text", ["a", " a", ".", "\u200b.", "ž", "\U0001f600", "中"])
def test_not_blank(text):
    assert not blank(text)


def test_no_usable_row_is_an_error_that_shows_why(write, make_config):
    content = [{"prompt": "p", "completion": ""}] * 3
    rows, found = check_rows(make_config(write("a.jsonl", content), "jsonl_prompt"))
    assert rows is None
    assert [item.code for item in found] == ["data.no_usable_rows", "data.rows_unusable"]


def test_text_parts_stay_parts_with_type_and_text(write, make_config):
    more = {"type": "text", "text": " Hi ", "cache_control": {"type": "ephemeral"}}
    path = write(
        "a.jsonl",
        [
            {
                "messages": [
                    {"role": "user", "content": [more, {"type": "text", "text": ""}]},
                    {"role": "assistant", "content": [{"type": "text", "text": "a"}]},
                ]
            }
        ],
    )
    rows = load(make_config, path, "jsonl_chat")
    assert rows.rows[0].fields == {
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": " Hi "}, {"type": "text", "text": ""}],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "a"}]},
        ]
    }
    assert [item.code for item in rows.findings] == ["data.unused_part_keys"]


def test_the_part_that_cannot_be_used_is_named(write, make_config):
    answer = {"role": "assistant", "content": "a"}
    image = [{"type": "text", "text": "Look"}, {"type": "image_url"}, {"type": "input_audio"}]
    good = {"messages": [{"role": "user", "content": "q"}, answer]}
    path = write("a.jsonl", [good, {"messages": [{"role": "user", "content": image}, answer]}])
    (problem,) = load(make_config, path, "jsonl_chat").rows[1].problems
    assert problem.where == "a.jsonl:2 messages[0].content"
    assert "2 part(s) that are no text (image_url, input_audio)" in problem.message


def test_rows_are_the_same_when_their_parts_say_the_same(write, make_config):
    def row(asked: Any, said: Any) -> dict[str, Any]:
        turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        return {"messages": turns}

    def parts(*texts: str) -> list[dict[str, str]]:
        return [{"type": "text", "text": text} for text in texts]

    path = write("a.jsonl", [row("Hi", "Yo"), row(parts("H", "i"), "Yo"), row("Hi", parts("Ho"))])
    rows = load(make_config, path, "jsonl_chat")
    one, two, three = rows.rows
    assert content_key(one) == content_key(two) != content_key(three)
    assert {prompt_key(each, "jsonl_chat") for each in rows.rows} == {prompt_key(one, "jsonl_chat")}
    assert "data.duplicate_rows" in [item.code for item in rows.findings]
    (file,) = scan(path, format="jsonl_chat").files
    assert "data.duplicate_rows" in [item.code for item in file.findings]
