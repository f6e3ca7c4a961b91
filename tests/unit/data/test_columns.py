"""Finding the columns, and proposing format and mapping for data of other people's making."""

from __future__ import annotations

import pytest
import yaml

from ft_runtime.data import as_yaml, check_rows, detect_format
from ft_runtime.samples import FORMATS, write_sample

TURNS = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]
CHAT = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]

DETECTED = {
    "chat": ({"messages": CHAT}, "jsonl_chat", {}),
    "ShareGPT": ({"id": "1", "conversations": TURNS}, "jsonl_chat", {"messages": "conversations"}),
    "messages that are a text": ({"messages": "q", "prompt": "p", "completion": "c"}, "jsonl_prompt", {}),
    "prompt": ({"prompt": "p", "completion": "c"}, "jsonl_prompt", {}),
    "question": ({"question": "q", "answer": "a"}, "jsonl_prompt", {"prompt": "question", "completion": "answer"}),
    "capitals": ({"Question": "q", "ANSWER ": "a"}, "jsonl_prompt", {"prompt": "Question", "completion": "ANSWER "}),
    "question with a category": ({"question": "q", "answer": "a", "category": "c"}, "jsonl_prompt", {"prompt": "question", "completion": "answer"}),
    "text to SQL": ({"db": "d", "query": "SELECT", "question": "q"}, "jsonl_prompt", {"prompt": "question", "completion": "query"}),
    "summary": ({"id": 1, "dialogue": "d", "summary": "s"}, "jsonl_prompt", {"prompt": "dialogue", "completion": "summary"}),
    "text and summary": ({"text": "d", "summary": "s"}, "jsonl_prompt", {"prompt": "text", "completion": "summary"}),
    "input and output": ({"input": "i", "output": "o"}, "jsonl_prompt", {"prompt": "input", "completion": "output"}),
    "instruction": ({"instruction": "i", "input": "", "output": "o"}, "jsonl_instr", {}),
    "instruction without input": ({"instruction": "i", "output": "o"}, "jsonl_instr", {}),
    "instruction and response": ({"instruction": "i", "context": "c", "response": "r", "category": "x"}, "jsonl_instr", {"input": "context", "output": "response"}),
    "Instruction": ({"Instruction": "i", "Response": "r"}, "jsonl_instr", {"instruction": "Instruction", "output": "Response"}),
    "label": ({"text": "t", "label": "l"}, "csv_classification", {}),
    "label number": ({"text": "t", "label": 1}, "csv_classification", {}),
    "category": ({"text": "t", "category": "c"}, "csv_classification", {"label": "category"}),
    "intent": ({"utterance": "t", "intent": "c"}, "csv_classification", {"text": "utterance", "label": "intent"}),
    "class": ({"text": "t", "class": "c"}, "csv_classification", {"label": "class"}),
    "review": ({"review": "t", "sentiment": "c"}, "csv_classification", {"text": "review", "label": "sentiment"}),
    "question and category": ({"question": "t", "category": "c"}, "csv_classification", {"text": "question", "label": "category"}),
    "nothing": ({"a": "t", "b": "c"}, None, {}),
    "preference": ({"prompt": "p", "chosen": "c", "rejected": "r"}, None, {}),
}  # fmt: skip


@pytest.mark.parametrize("case", DETECTED)
def test_format_and_columns_are_proposed_from_names_and_first_values(case, write):
    row, format, columns = DETECTED[case]
    assert detect_format(write("a.jsonl", [row, row])) == (format, columns)


@pytest.mark.parametrize("format", FORMATS)
def test_the_samples_are_what_they_are(format, tmp_path, make_config):
    path = write_sample(format, tmp_path / "sample.data", 20)
    assert detect_format(path) == (format, {})
    rows, found = check_rows(make_config(path, format))
    assert found == []
    assert len(rows.usable) == 20


@pytest.mark.parametrize("case", [name for name in DETECTED if DETECTED[name][1]])
def test_what_is_proposed_loads(case, write, make_config):
    row, format, columns = DETECTED[case]
    other = dict(row)
    for name in ("label", "category", "intent", "class", "sentiment"):
        if name in other:
            other[name] = 2 if isinstance(other[name], int) else "other"
    path = write("a.jsonl", [row, other])
    rows, found = check_rows(make_config(path, format, columns=columns))
    assert rows is not None, found
    assert len(rows.usable) == 2


def test_detection_looks_at_the_first_rows_only_and_over_broken_ones(write):
    content = "{broken\n" + '{"question": null}\n' + '{"question": "q", "answer": "a"}\n'
    assert detect_format(write("a.jsonl", content)).format == "jsonl_prompt"


def only(make_config, path, format, **dataset):
    rows, found = check_rows(make_config(path, format, **dataset))
    assert rows is None
    assert len(found) == 1
    return found[0]


def test_missing_columns_come_with_the_mapping_to_paste(write, make_config):
    path = write("a.jsonl", [{"question": "q", "answer": "a", "id": 1}])
    found = only(make_config, path, "jsonl_prompt")
    assert found.code == "data.missing_columns"
    assert "question, answer, id" in found.message
    pasted = yaml.safe_load(found.hint.split("\n", 1)[1])["dataset"]
    assert pasted == {
        "format": "jsonl_prompt",
        "columns": {"prompt": "question", "completion": "answer"},
    }
    rows, _ = check_rows(make_config(path, pasted["format"], columns=pasted["columns"]))
    assert len(rows.usable) == 1


@pytest.mark.parametrize(
    ("row", "asked", "detected", "columns"),
    [
        ({"messages": CHAT}, "jsonl_prompt", "jsonl_chat", {}),
        ({"text": "t", "label": "l"}, "jsonl_chat", "csv_classification", {}),
        ({"text": "t", "category": "l"}, "jsonl_instr", "csv_classification", {"label": "category"}),
        ({"prompt": "p", "completion": "c"}, "jsonl_instr", "jsonl_prompt", {}),
        ({"instruction": "i", "output": "o"}, "csv_classification", "jsonl_instr", {}),
        ({"question": "q", "answer": "a"}, "jsonl_chat", "jsonl_prompt", {"prompt": "question", "completion": "answer"}),
    ],
)  # fmt: skip
def test_the_wrong_format_names_the_right_one(row, asked, detected, columns, write, make_config):
    found = only(make_config, write("a.jsonl", [row]), asked)
    assert found.code == "data.wrong_format"
    pasted = yaml.safe_load(found.hint.split("\n", 1)[1])["dataset"]
    assert (pasted["format"], pasted.get("columns", {})) == (detected, columns)


def test_this_format_under_other_names_comes_before_another_format(write, make_config):
    found = only(make_config, write("a.jsonl", [{"dialogue": "d", "summary": "s"}]), "jsonl_instr")
    assert found.code == "data.missing_columns"
    assert "{instruction: dialogue, output: summary}" in found.hint


@pytest.mark.parametrize("format", ["jsonl_chat", "jsonl_prompt", "jsonl_instr"])
def test_preference_data_are_named(format, write, make_config):
    path = write("a.jsonl", [{"prompt": "p", "chosen": "c", "rejected": "r"}])
    found = only(make_config, path, format)
    assert found.code == "data.preference_data"
    assert "completion: chosen" in found.hint


def test_preference_data_can_be_mapped(write, make_config):
    path = write("a.jsonl", [{"prompt": "p", "chosen": "c", "rejected": "r"}])
    rows, _ = check_rows(make_config(path, "jsonl_prompt", columns={"completion": "chosen"}))
    assert rows.rows[0].fields == {"prompt": "p", "completion": "c"}


def test_a_mapping_to_a_column_that_is_not_there(write, make_config):
    path = write("a.jsonl", [{"question": "q", "answer": "a"}])
    found = only(
        make_config, path, "jsonl_prompt", columns={"prompt": "questoin", "completion": "answer"}
    )
    assert found.code == "data.missing_columns"
    assert "questoin" in found.message
    assert "prompt: question" in found.hint
    path = write("b.jsonl", [{"instruction": "i", "output": "o"}])
    found = only(make_config, path, "jsonl_instr", columns={"input": "context"})
    assert "context" in found.message


def test_columns_that_nothing_fits(write, make_config):
    found = only(make_config, write("a.jsonl", [{"x": "1", "y": "2"}]), "jsonl_prompt")
    assert found.code == "data.unknown_columns"
    assert "{prompt: your_column, completion: your_column}" in found.hint


def test_columns_that_are_not_used_are_noted(write, make_config):
    path = write("a.jsonl", [{"prompt": "p", "completion": "c", "extra": 1}])
    rows, found = check_rows(make_config(path, "jsonl_prompt"))
    assert rows.rows[0].fields == {"prompt": "p", "completion": "c"}
    assert [(item.code, item.severity) for item in found] == [("data.unused_columns", "info")]
    assert "extra" in found[0].message


def test_braces_and_odd_names_in_columns_harm_nothing(write, make_config):
    row = {"{prompt}": "p", "a\u2028b": "c", "%s": 1, "": 2, "x" * 500: 3, "\ud800": 4}
    found = only(make_config, write("a.jsonl", [row]), "jsonl_prompt")
    assert "{prompt}" in found.message
    assert found.message.encode("utf-8")
    assert len(found.message) < 500


@pytest.mark.parametrize(
    "name", ["a", "with space", "no", "Null", "a: b", "{x}", "'", '"', "#", "é", "1", "-"]
)
def test_the_yaml_to_paste_is_yaml(name):
    loaded = yaml.safe_load(as_yaml("jsonl_prompt", {"prompt": name}))
    assert loaded == {"dataset": {"format": "jsonl_prompt", "columns": {"prompt": name}}}
