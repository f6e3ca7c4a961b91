"""One JSON array in a .json file."""

from __future__ import annotations

import json

import pytest

from ft_runtime.data import check_rows
from ft_runtime.doctor.containers import array

ROWS = [{"prompt": f"p{i}", "completion": f"c{i}\n"} for i in range(5)]


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("name", ["a.json", "a.JSON", "a.txt", "data"])
def test_an_array_is_read_with_the_line_of_every_element(indent, name, write, make_config):
    text = "\n\n" + json.dumps(ROWS, indent=indent) + "\n"
    rows, found = check_rows(make_config(write(name, text), "jsonl_prompt"))
    assert found == []
    assert [row.fields for row in rows.rows] == ROWS
    first = {None: [3, 3], 0: [4, 8], 2: [4, 8]}[indent]
    assert [row.line for row in rows.rows][:2] == first
    lines = text.split("\n")
    assert all("{" in lines[row.line - 1] for row in rows.rows)


def test_json_lines_in_a_json_file_are_read_too(write, make_config):
    rows, _ = check_rows(make_config(write("a.json", ROWS), "jsonl_prompt"))
    assert [row.fields for row in rows.rows] == ROWS


def test_a_bad_element_costs_that_row(write, make_config):
    text = '[\n{"prompt": "a", "completion": "b"},\n7,\n{"prompt": "a", "prompt": "b", "completion": NaN},\n{"prompt": "c", "completion": "d"},\n{"prompt": "e", "completion": "f"}\n]'
    rows, _ = check_rows(make_config(write("a.json", text), "jsonl_prompt"))
    assert [(row.line, [p.code for p in row.problems]) for row in rows.rows] == [
        (2, []),
        (3, ["data.not_an_object"]),
        (4, ["data.not_finite", "data.duplicate_key"]),
        (5, []),
        (6, []),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[\n{"prompt": "a"},\n{"prompt": }\n]', 3),
        ('[\n{"prompt": "a"},\n]', 3),
        ('[\n{"prompt": "a"}\n{"prompt": "b"}]', 3),
        ('[\n{"prompt": "a"},\n{"prompt": "b"}', 3),
        ('[\n{"prompt": "a"}\n]\n\nmore', 5),
        ("[\n" + "[" * 200_000, 2),
        ("[\n{", 2),
    ],
)
def test_a_broken_array_is_refused_at_its_line(text, line, write, make_config):
    rows, found = check_rows(make_config(write("a.json", text), "jsonl_prompt"))
    assert rows is None
    assert found[0].code == "data.broken_array"
    assert found[0].where == f"a.json:{line}"


def test_bad_utf8_in_an_array_is_placed(write, make_config):
    _, found = check_rows(make_config(write("a.json", b'[\n{"prompt": "\xff"}]'), "jsonl_prompt"))
    assert (found[0].code, found[0].where) == ("data.not_utf8", "a.json:2 byte 13")
    assert "0xff" in found[0].message


def test_an_empty_array_has_no_rows(write, make_config):
    _, found = check_rows(make_config(write("a.json", "[ ]"), "jsonl_prompt"))
    assert [item.code for item in found] == ["data.blank_file"]


def test_an_element_beyond_the_limit_is_refused(write, make_config, monkeypatch):
    monkeypatch.setattr(array, "ELEMENT", 100)
    monkeypatch.setattr(array, "_CHUNK", 50)
    text = '[\n{"prompt": "a", "completion": "b"},\n{"prompt": "%s"}]' % ("x" * 1000)
    _, found = check_rows(make_config(write("a.json", text), "jsonl_prompt"))
    assert (found[0].code, found[0].where) == ("data.line_too_long", "a.json:3")
