"""Contents in parts on the fast path: the text that they say together, as on the slow path."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.doctor import kernels
from ft_runtime.doctor.jsonl.compiled import FLAWS, reader
from ft_runtime.doctor.jsonl.explain import explain
from ft_runtime.doctor.jsonl.layout import make_layout
from ft_runtime.doctor.jsonl.plain import accept
from ft_runtime.doctor.jsonl.words import PAD
from support.json_lines import FEW

pytestmark = pytest.mark.usefixtures("tier")

TEXTS = st.lists(
    st.sampled_from(
        [b"a", b" ", "é".encode(), "日".encode(), "😀".encode(), b"\\/", b'\\"', b"\\\\", b"\\n", b"\\u00e9",
         b"\\ud83d\\ude00", b"\\ud83d", b"\\ude00", b"\\u000a", b"\\u0000", b"\\u200b", b"\\u12", b"\\x", b"\\",
         b"\xff", b"\xc3", b"\xa9", b"\xe6\x97", b"\xa5", b"x" * 61, b"word " * 40, b"}, {", b"]"]
    ),
    max_size=4,
).map(b"".join)  # fmt: skip
PART = st.one_of(
    TEXTS.map(lambda text: b'{"type": "text", "text": "%s"}' % text),
    TEXTS.map(lambda text: b'{"text":"%s" , "type":\t"text"}' % text),
)
ODD = st.sampled_from(
    [b'{"type": "text"}', b'{"text": "a"}', b'{"type": "text", "text": null}', b"{}", b"null", b'"a"', b"[]", b"",
     b'{"type": "text", "text": "a", "text": "b"}', b'{"type": "text", "type": "text"}', b'{"type": "image", "text": "a"}',
     b'{"type": "text", "text": "a", "x": null}', b'{"type": "text", "text": "a",}', b'{"type": "textual", "text": "a"}',
     b'{"ty\\u0070e": "text", "text": "a"}', b'{"type": "tex\\u0074", "text": "a"}', b'{"type": "text" "text": "a"}',
     b'{"type": "text", "text": "a"', b'{"text": "a", "text": "b"}', b'{"type" "text", "text": "a"}']
)  # fmt: skip
SEPARATOR = st.sampled_from([b", ", b",", b" ,\t", b""])


@st.composite
def contents(draw: Any, part: Any, separator: Any, fewest: int) -> bytes:
    if draw(st.integers(0, 3)) == 0:
        return b'"%s"' % draw(TEXTS)
    return b"[" + draw(separator).join(draw(st.lists(part, min_size=fewest, max_size=3))) + b"]"


def line_of(asked: bytes, said: bytes) -> bytes:
    asked = b'{"role": "user", "content": %s}' % asked
    said = b'{"role": "assistant", "content": %s}' % said
    return b'{"messages": [%s, %s]}' % (asked, said)


def read(rows: Sequence[bytes]) -> Any:
    layout = make_layout("jsonl_chat")
    if kernels.wanted(0):
        layout.reader = reader(layout)
        assert layout.reader
    data = b"".join(row + b"\n" for row in rows)
    return accept(data + bytes(PAD), len(data), layout)


def same_as_explained(rows: Sequence[bytes]) -> list[bool]:
    """Hold what is accepted to the slow path; return which rows that calls faultless."""
    found, sound = read(rows), []
    layout = make_layout("jsonl_chat")
    for i, line in enumerate(rows):
        row = explain(line, layout)
        sound.append(not row.problems)
        if found.fine[i]:
            assert row.problems == [], line
            numbers = (found.content[i], found.prompt[i], found.chars[i])
            assert tuple(map(int, numbers)) == (row.content, row.prompt, row.chars), line
        elif found.flaws is not None and (flaws := int(found.flaws[i])):
            codes = [code for k, code in enumerate(FLAWS) for _ in range(flaws >> 8 * k & 255)]
            assert sorted(codes) == sorted(problem.code for problem in row.problems), line
    if kernels.wanted(0):
        assert found.fine[sound].all()
    return sound


@settings(FEW, max_examples=400)
@given(
    st.lists(
        st.builds(line_of, *[contents(PART, st.sampled_from([b", ", b","]), 1)] * 2), min_size=1
    )
)
def test_any_texts_in_parts_are_told_as_by_the_slow_path(rows):
    same_as_explained(rows)


@FEW
@given(st.lists(contents(PART | ODD, SEPARATOR, 0), min_size=1, max_size=9))
def test_no_other_list_is_taken_for_texts_in_parts(found):
    rows = [line_of(one, b'"b"') for one in found]
    read_alone = [bool(read([row]).fine[0]) for row in rows]
    explained = [explain(row, make_layout("jsonl_chat")) for row in rows]
    for row, fine, slow in zip(rows, read_alone, explained, strict=True):
        assert not (fine and slow.problems), row


@FEW
@given(st.lists(PART, min_size=1, max_size=3), st.data())
def test_a_row_that_is_cut_short_is_not_taken(parts, data):
    line = line_of(b"[" + b", ".join(parts) + b"]", b'[{"type": "text", "text": "b"}]')
    whole = (
        b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}'
    )
    cuts = data.draw(st.lists(st.integers(1, len(line) - 1), min_size=1, max_size=9))
    rows = [row for cut in cuts for row in (line[:cut], whole)]
    assert read(rows).fine.tolist() == [False, True] * len(cuts)


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
def test_one_part_a_message_is_taken_by_the_fast_path(separators):
    def written(*turns: tuple[str, str], parts: bool) -> bytes:
        messages = [
            {"role": role, "content": [{"type": "text", "text": text}] if parts else text}
            for role, text in turns
        ]
        return json.dumps({"messages": messages}, separators=separators).encode()

    rows = [
        written(("user", "a"), ("assistant", 'é "q" \\ \n日'), parts=parts)
        for parts in (True, True, False)
    ]
    rows.append(written(("system", "s"), *[("user", "a"), ("assistant", "b")] * 4, parts=True))
    assert same_as_explained(rows) == [True] * 4
    found = read(rows)
    assert found.fine.all()
    assert found.content[1] == found.content[2]


def test_halves_that_parts_would_join_are_not_joined():
    for one, two in ((b"\xc3", b"\xa9"), (b"\\ud83d", b"\\ude00"), (b"a\\", b"nb")):
        parts = b'[{"type": "text", "text": "%s"}, {"type": "text", "text": "%s"}]' % (one, two)
        assert same_as_explained([line_of(parts, b'"b"')]) == [False]
        assert not read([line_of(parts, b'"b"')]).fine[0]


def test_parts_that_show_nothing_together_are_empty_and_else_may_be():
    blank, nothing, shown = (
        b'{"type": "text", "text": "%s"}' % text for text in (b" \\u200b", b"", b"a")
    )
    for parts, sound in (([blank, nothing], False), ([nothing], False), ([blank, shown], True)):
        line = line_of(b"[" + b", ".join(parts) + b"]", b'"b"')
        assert same_as_explained([line]) == [sound]
