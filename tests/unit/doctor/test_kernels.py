"""The compiled reader of rows finds what numpy finds, and what Python's own functions say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from ft_runtime.doctor import hashing, scan
from ft_runtime.doctor.blank import BLANK
from ft_runtime.doctor.jsonl.compiled import FLAWS, name_table, reader
from ft_runtime.doctor.jsonl.explain import explain
from ft_runtime.doctor.jsonl.layout import FIRST_COLUMN, make_layout
from ft_runtime.doctor.jsonl.plain import accept
from ft_runtime.doctor.jsonl.words import PAD
from ft_runtime.doctor.problems import is_error
from support.json_lines import FEW, FORMATS, lines, summary
from support.kernels import use


@pytest.fixture(scope="module", autouse=True)
def compiled():
    with pytest.MonkeyPatch.context() as patch:
        use("compiled", patch)
        yield


def read(parts: list[bytes], form: str):
    layout = make_layout(form)
    layout.reader = reader(layout)
    data = b"".join(part + b"\n" for part in parts)
    return accept(data + bytes(PAD), len(data), layout), layout


def read_texts(texts: list[bytes]):
    """Read texts, as they stand in JSON, as labels."""
    return read([b'{"text": "a", "label": "%s"}' % text for text in texts], "csv_classification")[0]


def same_as_explained(texts: list[bytes]) -> None:
    """Whatever is plainly fine is taken, and nothing else, and told as `explain` tells it."""
    found, labels = read_texts(texts), []
    layout = make_layout("csv_classification")
    for i, text in enumerate(texts):
        row = explain(b'{"text": "a", "label": "%s"}' % text, layout)
        assert bool(found.fine[i]) == (not row.problems), text
        if row.problems:
            continue
        assert int(found.content[i]) == row.content, text
        assert int(found.prompt[i]) == row.prompt, text
        assert int(found.chars[i]) == row.chars, text
        labels.append(row.label)
    assert found.labels == labels


@FEW
@given(st.lists(lines(), min_size=1, max_size=12), st.sampled_from(FORMATS))
def test_what_numpy_accepts_is_accepted_with_the_same_numbers(parts, form):
    mine, layout = read(parts, form)
    other = make_layout(form)
    data = b"".join(part + b"\n" for part in parts)
    found = accept(data + bytes(PAD), len(data), other)
    assert mine.starts.tolist() == found.starts.tolist()
    assert mine.ends.tolist() == found.ends.tolist()
    assert mine.crlf == found.crlf
    fine = found.fine
    assert not (fine & ~mine.fine).any()
    for name in ("content", "prompt", "chars"):
        assert getattr(mine, name)[fine].tolist() == getattr(found, name)[fine].tolist()
    assert set(other.extras) <= set(layout.extras)


@FEW
@given(st.lists(lines(), min_size=1, max_size=12), st.sampled_from(FORMATS))
def test_flaws_are_all_that_is_the_matter(parts, form):
    found, _ = read(parts, form)
    layout = make_layout(form)
    for line, fine, flaws in zip(parts, found.fine, found.flaws.tolist(), strict=True):
        codes = [code for i, code in enumerate(FLAWS) for _ in range(flaws >> 8 * i & 255)]
        assert not (codes and fine)
        if codes:
            assert sorted(codes) == sorted(p.code for p in explain(line, layout).problems)


@FEW
@given(
    st.lists(lines(), min_size=1, max_size=30), st.integers(40, 400), st.sampled_from(FORMATS)
)  # fmt: skip
def test_a_scan_says_the_same(tmp_path_factory, parts, block, form):
    path = tmp_path_factory.mktemp("tiers") / "a.jsonl"
    path.write_bytes(b"\n".join(parts) + b"\n")
    mine = scan(path, format=form, workers=1, block=block).files[0]
    with pytest.MonkeyPatch.context() as patch:
        use("numpy", patch)
        assert summary(mine) == summary(scan(path, format=form, workers=1).files[0])


def test_each_flaw_breaks_a_row():
    assert all(map(is_error, FLAWS))


@pytest.mark.parametrize("form", ["jsonl_chat", "jsonl_instr", "csv_classification"])
def test_rows_of_a_kind_that_was_told_enough_are_counted_as_before(tmp_path, form):
    values = ['"a"', '" "', "null", "7", '"\\ud83d"', '"\\u0000"', "NaN", '"\\u00e9"']
    begin, middle, end = {
        "jsonl_chat": ('{"messages": [{"role": "user", "content": ', '}, {"role": "assistant", "content": ', "}]}"),
        "jsonl_instr": ('{"id": 1, "instruction": ', ', "input": "", "output": ', "}"),
        "csv_classification": ('{"text": ', ', "label": ', "}"),
    }[form]  # fmt: skip
    rows = [begin + one + middle + two + end for one in values for two in values]
    rows += [
        '{"id": 1}',
        '{"input": null, "instruction": "a", "output": "b"}',
        '{"label": "a"}',
        "",
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*rows, *reversed(rows)] * 150) + "\n")
    mine = scan(path, format=form, workers=1, block=4000).files[0]
    assert max(mine.log.rows.values()) > 2000
    with pytest.MonkeyPatch.context() as patch:
        use("numpy", patch)
        assert summary(mine) == summary(scan(path, format=form, workers=1).files[0])


def test_digests_of_texts_of_any_length():
    rng = np.random.default_rng(0)
    letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz ABCDEFGHIJ,.!?", np.uint8)
    sizes = [*range(1, 1100), 1984, 2047, 2048, 2049, 4096 + 64, 10_000, 65_536, 1 << 20]
    texts = [rng.choice(letters, size).tobytes() for size in sizes]
    texts = [b"x" + text[1:] for text in texts]
    found = read_texts(texts)
    assert found.fine.all()
    prompt = hashing.term(xxh3_64_intdigest(b"a"), FIRST_COLUMN, 0)
    answers = [hashing.term(xxh3_64_intdigest(text), FIRST_COLUMN + 1, 0) for text in texts]
    assert found.content.tolist() == [(prompt + answer) % 2**64 for answer in answers]
    assert found.labels == texts


pieces = st.sampled_from(
    [b"a", b" ", "é".encode(), "日".encode(), "😀".encode(), b"/", b"\\/", b'\\"', b"\\\\", b"\\n",
     b"\\t", b"\\r", b"\\b", b"\\f", b"\\u0041", b"\\u00e9", b"\\u65E5", b"\\ud83d\\ude00",
     b"\\uD83D", b"\\ude00", b"\\ud83d\\u0041", b"\\ud83d\\ud83d\\ude00", b"\\u000a", b"\\u0009",
     b"\\u000D", b"\\u0022", b"\\u005c", b"\\u002f", b"\\u0000", b"\\u001f", b"\\u007f", b"\\u0085",
     b"\\u200b", b"\\udb40\\udc01", b"\\uffff", b"\\u12", b"\\u12g4", b"\\x", b"\\", b"\xff",
     b"\xc3", b"\xa9", b"x" * 61, b"word " * 40]
)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(st.lists(pieces, max_size=8).map(b"".join), min_size=1, max_size=8))
def test_texts_with_escapes_and_bad_bytes_are_told_as_by_the_slow_path(texts):
    same_as_explained([text for text in texts if b"\\b" not in text and b"\\f" not in text])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=6), st.booleans())
def test_any_text_is_told_as_by_the_slow_path(texts, ascii_only):
    texts = [text for text in texts if "\b" not in text and "\f" not in text]
    written = [json.dumps(text, ensure_ascii=ascii_only) for text in texts]
    same_as_explained([text[1:-1].encode("utf-8", "surrogatepass") for text in written])


def test_every_pair_of_bytes_at_every_place_of_a_word_of_64():
    texts = []
    for first in range(0x80, 0x100):
        for second in range(0x7F, 0x100, 1 if first in (0xE0, 0xED, 0xF0, 0xF4) else 8):
            before = b"a" * ((first * 7 + second) % 131)
            texts.append(before + bytes([first, second]) + b"\x80\x80" * (first > 0xDF) + b"b")
    for size in range(1, 200):
        texts += [b"a" * size + "日".encode()[:n] for n in (1, 2, 3)]
    same_as_explained(texts)


def test_each_character_that_shows_nothing_is_known():
    blank = [json.dumps(c)[1:-1].encode() for c in sorted(BLANK)] + [c.encode() for c in BLANK]
    same_as_explained([text for text in blank if text >= b" " and text not in (b"\\b", b"\\f")])
    shown = "".join(map(chr, [*range(0xA0, 0x3100), *range(0xFE00, 0xFFFF), 0xE00FF, 0xE01F0]))
    same_as_explained([c.encode() for c in shown])


@pytest.mark.parametrize(
    "number", ["0", "-1", "12.5", "1e5", "-0.25E-10", "999999999999999999", "true", "false", "null"]
)
def test_other_values_of_keys_that_are_not_used(number):
    line = f'{{"n": {number} , "prompt":\t"a", "completion": "b"}}'
    found, layout = read([line.encode()], "jsonl_prompt")
    assert found.fine.tolist() == [True]
    assert layout.extras == ["n"]


@pytest.mark.parametrize(
    "number",
    [
        "01",
        "-",
        "",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "nul",
        "True",
        "NaN",
        "1e999",
        "[]",
        "{}",
        "-01",
    ],
)
def test_what_is_no_usual_value_is_left_to_the_slow_path(number):
    line = f'{{"prompt": "a", "n": {number}, "completion": "b"}}'
    assert read([line.encode()], "jsonl_prompt")[0].fine.tolist() == [False]


def test_more_lines_than_there_is_room_for():
    lines = [b'{"prompt": "a", "completion": "b"}', b"", b"\r", b"{"] * 5000
    found, _ = read(lines, "jsonl_prompt")
    assert found.fine.tolist() == [True, False, False, False] * 5000
    assert found.crlf == 5000
    assert found.ends.max() == sum(len(line) + 1 for line in lines) - 1


def test_names_that_fall_on_one_slot_are_told_apart():
    from ft_runtime.doctor.kernels.walk import SLOTS

    names = {b"key%d" % i: i + 1 for i in range(60)}
    table = name_table(names)
    assert table.shape == (SLOTS, 4)
    assert sorted(table[:, 3][table[:, 3] > 0].tolist()) == sorted(names.values())
