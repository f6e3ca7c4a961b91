"""Rows that are only counted are counted under the codes that the slow path gives."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ft_runtime.doctor import scan
from ft_runtime.doctor.jsonl.classify import classify
from ft_runtime.doctor.jsonl.explain import explain
from ft_runtime.doctor.jsonl.faults import NotJsonError
from ft_runtime.doctor.jsonl.hints import is_risky, risky_lines
from ft_runtime.doctor.jsonl.layout import make_layout
from support.json_lines import FEW, FORMATS, lines, summary

contents = st.sampled_from(
    ["null", "42", "true", "1e999", "123456789012345678901234567890", '""', '" "', '"\\n"', '"\\u200b"',
     '"\\ud83d"', '"\\ud83d\\ude00"', '"é"', '"\u200b"', '"\u200ba"', '"a"', '"\\u0041"', '"\\"', '"\\u0001"',
     "[]", '[{"text": "a"}]', '{"a": 1}', "NaN", '"\\\\"', '"日本"', '" a"', '"\\u12"', "[[1]]", "-1.5", "01"]
)  # fmt: skip
names = st.sampled_from(['"user"', '"assistant"', '"system"', '"tool"', '"User"', '"x"', '" user"', "null", '"us\\u0065r"', '""', '"é"'])  # fmt: skip
message = st.builds(
    lambda role, content, form: form % (role, content),
    names,
    contents,
    st.sampled_from(
        ['{"role": %s, "content": %s}'] * 6
        + ['{"role":%s,"content":%s}', '{"role" : %s, "content": %s}', '{"role": %s, "content": %s, "name": 1}',
           '{"role": %s, "role": "user", "content": %s}', '{"role": %s, "content": %s,}']
    ),
)  # fmt: skip
chats = st.builds(
    lambda messages, form: (form % ", ".join(messages)).encode("utf-8", "surrogatepass"),
    st.lists(message, max_size=4),
    st.sampled_from(
        ['{"messages": [%s]}'] * 6
        + ['[{"messages": [%s]}]', '{"messages": [%s],}', '{"messages": [%s]}{', '{"messages": [%s], "id": 1}',
           '{"messages": [%s]}\x00', '{"messages": [%s], "messages": []}', '{"messages":[%s]} ', "[%s]"]
    ),
)  # fmt: skip
cut = st.builds(lambda line, left: line[: len(line) - left], chats, st.integers(1, 40))
whole = [
    '{"messages": [%s], "id": %s}',
    '{"id": %s, "messages": %s}',
    '{"id": %s}',
    '{"id": 1, "messages": %s, "id": %s}',
]
mixed = st.builds(
    lambda form, cells: (form % tuple(cells[: form.count("%s")])).encode("utf-8", "surrogatepass"),
    st.sampled_from(whole),
    st.lists(st.one_of(contents, message), min_size=2, max_size=2),
)
words = st.sampled_from(
    [
        b"",
        b" ",
        b"null",
        b"true",
        b"nul",
        b"1",
        b"{",
        b"{'a': 1}",
        b"{'a': 1} ",
        b"{'a': '\xff'}",
        b"{}",
        b"\0",
        b" null",
    ]
)
flat = st.builds(
    lambda cells, form: (form % ", ".join(f'"{k}": {v}' for k, v in cells)).encode(),
    st.lists(st.tuples(st.sampled_from(["prompt", "completion", "text", "label", "id", "instruction", "output", "input"]), contents), max_size=4),
    st.sampled_from(["{%s}", "{%s}", "{%s,}", "{%s}}", "[{%s}]"]),
)  # fmt: skip


def codes(line: bytes, form: str) -> list[str]:
    return [problem.code for problem in explain(line, make_layout(form)).problems]


@FEW
@given(
    st.one_of(chats, cut, mixed, words, flat, flat.map(lambda line: line[:-3]), lines()),
    st.sampled_from(FORMATS),
)
def test_the_codes_are_those_of_the_slow_path(line, form):
    try:
        found = classify(line, make_layout(form), None, ["id"])
    except NotJsonError:
        slow = explain(line, make_layout(form))
        assert explain(line, make_layout(form), sound=False).problems == slow.problems
        return
    if found is not None:
        assert sorted(found) == sorted(codes(line, form))


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ('{"messages": [{"role": "user", "content": null}]}', "jsonl_chat"),
        ('{"messages": [{"role": "User", "content": "\\u0416a"}]}', "jsonl_chat"),
        ('{"messages": []}', "jsonl_chat"),
        ('[{"messages": [{"role": "user", "content": "a"}]}]', "jsonl_chat"),
        ('{"messages": [{"role": "user", "content": "a"}],}', "jsonl_chat"),
        ('{"messages": []}{"messages": []}', "jsonl_chat"),
        ('{"prompt": "", "completion": "a", "id": 1}', "jsonl_prompt"),
        ('{"instruction": "a", "output": 42}', "jsonl_instr"),
        ('{"text": " "}', "csv_classification"),
        ("", "jsonl_chat"),
        ("null", "jsonl_chat"),
        ("{}", "jsonl_chat"),
        ("{'messages': []}", "jsonl_chat"),
        ('{"messages": [{"role": "user", "content": "\\ud83d"}]}', "jsonl_chat"),
        (
            '{"messages": [{"role": "user", "content": "\\udc00"}, {"role": "assistant", "content": "a"}]}',
            "jsonl_chat",
        ),
        ('{"messages": [{"role": "user", "content": "a"}], "id": NaN}', "jsonl_chat"),
        ('{"messages": [{"role": "user", "content": "a"}], "id": "7"}', "jsonl_chat"),
        ('{"id": 7, "messages": "a"}', "jsonl_chat"),
        ('{"messages": [{"role": "user", "content": "a', "jsonl_chat"),
        ('{"messages": [{"role": "user", "content": "\\ud83d\\ude00"}, {"role"', "jsonl_chat"),
        ('{"prompt": "\\ud83d", "completion": NaN}', "jsonl_prompt"),
    ],
)
def test_usual_broken_rows_are_classified(line, form):
    found = classify(line.encode(), make_layout(form), None, ["id"])
    assert found
    assert sorted(found) == sorted(codes(line.encode(), form))


@FEW
@given(st.lists(lines(), min_size=1, max_size=8))
def test_no_line_is_risky_that_the_block_does_not_show(parts):
    import numpy as np

    block = b"\n".join(parts) + b"\n"
    starts = np.cumsum([0, *(len(part) + 1 for part in parts[:-1])])
    shown = risky_lines(block + bytes(8), len(block), starts)
    assert {i for i, part in enumerate(parts) if is_risky(part)} <= shown


def test_a_file_with_many_of_a_kind_is_counted_in_full(tmp_path, monkeypatch):
    kinds = [
        b'{"messages": []}', b"{", b'{"messages": [{"role": "user", "content": 1}]}', b"[1]",
        b'{"messages": [{"role": "Assistant", "content": "a"}]}', b'{"messages": [],}', b"",
        b'{"messages": [{"role": "user", "content": "a"}], "more": 1}', b'{"messages": []} 1',
        json.dumps({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}).encode(),
        b'{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": ""}]}',
        b'{"messages": [{"role": "user", "content": "\\ud83d"}], "more": NaN}', b"null", b"{'a': 1}", b"\0",
    ]  # fmt: skip
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(kinds * 400) + b"\n")
    counted = scan(path, format="jsonl_chat", workers=1, block=4000).files[0]
    import ft_runtime.doctor.jsonl.scan as room

    monkeypatch.setattr(room, "classify", lambda *_: None)
    told = scan(path, format="jsonl_chat", workers=1, block=4000).files[0]
    assert summary(counted) == summary(told)
    assert counted.broken == 5600
    assert counted.extras == ["more"]
