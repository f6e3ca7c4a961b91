"""Whatever is in the file: a finding or the rows, never a crash, never a row too few."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ft_runtime.config import check_config
from ft_runtime.data import check_rows, check_splits, detect_format
from ft_runtime.doctor.blank import is_blank as blank
from ft_runtime.findings import FindingsError
from ft_runtime.samples import FORMATS

relaxed = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def config_for(path: Path, format: str):
    document = {
        "provider": "hf_local",
        "model_id": "model",
        "tune_type": "lora",
        "dataset": {"path": str(path), "format": format, "split": {"train": 0.5, "val": 0.5}},
    }
    config, found = check_config(document)
    assert config is not None, found
    return config


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


PIECES = st.sampled_from(
    [b"\n", b"\r\n", b"\r", b'"', b",", b";", b"{", b"}", b"[", b"]", b"\x00", b"\xff", b"\xef\xbb\xbf", b" ", b"\\",
     b"text,label", b'{"text": "a", "label": "x"}', b'{"prompt": "a", "completion": "b"}', b"\xe2\x80\xa8",
     b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}', b"a,x", b"NaN", b'"a\nb",x']
)  # fmt: skip
CONTENT = st.binary(max_size=200) | st.lists(PIECES | st.binary(max_size=4), max_size=40).map(
    b"".join
)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.txt"])
@relaxed
@given(content=CONTENT, format=st.sampled_from(FORMATS))
def test_any_bytes_give_rows_or_findings(content, format, name, tmp_path):
    path = put(tmp_path, name, content)
    config = config_for(path, format)
    rows, found = check_rows(config)
    for item in found:
        json.dumps(item.to_dict()).encode("utf-8")
        assert "\n" not in item.where
    if rows is None:
        assert any(item.severity == "error" for item in found)
        return
    assert [row.number for row in rows.rows] == list(range(1, len(rows) + 1))
    assert all(row.fields is not None or row.problems for row in rows.rows)
    splits, found = check_splits(rows, config)
    if splits is not None:
        parted = [row.number for part in splits.by_name().values() for row in part]
        assert sorted(parted) == [row.number for row in rows.usable]
    repr(rows)
    rows._repr_html_()


@relaxed
@given(content=CONTENT)
def test_detection_never_crashes(content, tmp_path):
    for name in ("a.jsonl", "a.csv", "a.txt"):
        try:
            detect_format(put(tmp_path, name, content))
        except FindingsError as error:
            assert error.findings


LINE = st.sampled_from(
    [
        b'{"prompt": "a", "completion": "b"}',
        b"",
        b" \r",
        b"{",
        b"[]",
        b'{"prompt": 1}',
        b"\xff",
        b'{"a": NaN}',
    ]
)


@relaxed
@given(st.lists(LINE, max_size=30), st.booleans())
def test_every_line_of_json_lines_is_a_row(tmp_path_factory, lines, ended):
    """Counted independently: pieces between line feeds, without the empty ones at the end."""
    good = [b'{"prompt": "p", "completion": "c"}'] * (len(lines) + 1)
    content = b"\n".join(good + lines) + (b"\n" if ended else b"")
    path = put(tmp_path_factory.mktemp("d"), "a.jsonl", content)
    rows, found = check_rows(config_for(path, "jsonl_prompt"))
    assert rows is not None, found
    expected = content.split(b"\n")
    while not expected[-1].strip():
        expected.pop()
    assert [row.line for row in rows.rows] == list(range(1, len(expected) + 1))
    valid = (good[0], b'{"prompt": "a", "completion": "b"}')
    assert [row.usable for row in rows.rows] == [piece in valid for piece in expected]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: not blank(text)
)


@relaxed
@given(
    st.lists(st.fixed_dictionaries({"prompt": TEXT, "completion": TEXT}), min_size=1, max_size=8),
    st.booleans(),
)
def test_any_valid_row_comes_through_unchanged(tmp_path, content, ascii):
    lines = [json.dumps(row, ensure_ascii=ascii) for row in content]
    for name, text in (
        ("a.jsonl", "\n".join(lines)),
        ("a.json", json.dumps(content, ensure_ascii=ascii, indent=1)),
    ):
        rows, found = check_rows(config_for(put(tmp_path, name, text.encode()), "jsonl_prompt"))
        assert rows is not None, found
        assert [row.fields for row in rows.rows] == content


CELL = TEXT.filter(lambda text: "\0" not in text)


@relaxed
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_any_valid_csv_row_comes_through_unchanged_with_its_line(tmp_path, content, end):
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL)
    lines = []
    for cells in [("text", "label"), *content, ("one", "this class"), ("two", "that class")]:
        lines.append(out.getvalue().count("\n") + 1)
        writer.writerow(cells)
    path = put(tmp_path, "a.csv", out.getvalue().encode())
    rows, found = check_rows(config_for(path, "csv_classification"))
    assert rows is not None, found
    assert [(row.fields["text"], row.fields["label"]) for row in rows.rows[:-2]] == content
    assert [row.line for row in rows.rows] == lines[1:]


MESSAGE = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["user", "assistant", "User", None, 3, "x"]), "content": st.none() | st.text() | st.integers() | st.lists(st.text()), "tool_calls": st.none() | st.lists(st.just({}))}
)  # fmt: skip
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)  # fmt: skip


@relaxed
@given(st.lists(st.lists(MESSAGE | ANY_JSON, max_size=4) | ANY_JSON, max_size=6))
def test_any_chat_is_usable_and_sound_or_says_why_not(tmp_path, conversations):
    content = [{"messages": item} for item in conversations]
    content.append({"messages": [{"role": "assistant", "content": "a"}]})
    data = "".join(json.dumps(row) + "\n" for row in content).encode()
    rows, found = check_rows(config_for(put(tmp_path, "a.jsonl", data), "jsonl_chat"))
    assert rows is not None, found
    assert len(rows) == len(content)
    for row in rows.usable:
        messages = row.fields["messages"]
        assert any(message["role"] == "assistant" for message in messages)
        for message in messages:
            assert message["role"] in ("system", "user", "assistant", "tool")
            assert isinstance(message.get("content"), str) or message["tool_calls"]
