"""Nasty JSON Lines: what is refused whole, what costs one row, what is only told."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from typing import Any

import pytest

from ft_runtime.data import check_rows
from ft_runtime.data.read import limits


def row(text: str = "hello", answer: str = "hi") -> bytes:
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages}).encode()


GOOD = [row(f"question {i}", f"answer {i}") for i in range(1, 7)]


def six(bad: bytes) -> bytes:
    """Six rows of which the third is `bad`."""
    return b"\n".join([*GOOD[:2], bad, *GOOD[3:]]) + b"\n"


def chat(*messages: Any) -> bytes:
    return six(json.dumps({"messages": list(messages)}).encode())


USER = {"role": "user", "content": "q"}
BOT = {"role": "assistant", "content": "a"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "1", "function": {"name": "f"}}],
}
ALL = b"\n".join(GOOD) + b"\n"

REFUSED = {
    "01 empty": (b"", "data.empty_file"),
    "02 only newlines": (b"\n\n \r\n\t\n", "data.blank_file"),
    "08 UTF-16": (ALL.decode().encode("utf-16"), "data.wide_encoding"),
    "08 UTF-16 without mark": (ALL.decode().encode("utf-16-le"), "data.wide_encoding"),
    "08 UTF-16 big without mark": (ALL.decode().encode("utf-16-be"), "data.wide_encoding"),
    "08 UTF-32": (ALL.decode().encode("utf-32"), "data.wide_encoding"),
    "08 UTF-32 without mark": (ALL.decode().encode("utf-32-le"), "data.wide_encoding"),
    "32 array, pretty": (
        json.dumps([json.loads(r) for r in GOOD], indent=1).encode(),
        "data.array_in_jsonl",
    ),
    "33 array, one line": (b"[" + b",".join(GOOD) + b"]", "data.array_in_jsonl"),
    "34 pretty objects": (
        b"\n".join(json.dumps(json.loads(r), indent=2).encode() for r in GOOD),
        "data.pretty_json",
    ),
    "34 pretty, brackets on the first line": (
        b'{"messages": [\n' + GOOD[0][14:-2] + b"\n]}\n" + GOOD[1],
        "data.pretty_json",
    ),
    "36 gzip, cut": (gzip.compress(ALL)[:-20], "data.broken_archive"),
    "36 bzip2": (bz2.compress(ALL), "data.compressed"),
    "36 xz": (lzma.compress(ALL), "data.compressed"),
    "37 zstd": (b"\x28\xb5\x2f\xfd" + bytes(40), "data.broken_archive"),
    "38 Parquet": (b"PAR1" + bytes(40) + b"PAR1", "data.broken_columnar"),
    "38 Arrow": (b"ARROW1\x00\x00" + bytes(40), "data.broken_columnar"),
    "39 ZIP": (b"PK\x03\x04" + bytes(40), "data.compressed"),
    "39 Excel": (b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml" + bytes(40), "data.spreadsheet"),
    "39 SQLite": (b"SQLite format 3\x00" + bytes(40), "data.binary_file"),
    "39 PDF": (b"%PDF-1.7\n%\xe2\xe3\n", "data.binary_file"),
    "39 other binary": (b"\x7fELF\x02\x01\x01\x00" + bytes(30), "data.binary_file"),
    "50 carriage returns only": (b"\r".join(GOOD), "data.cr_only"),
    "56 web page": (b"<!DOCTYPE html>\n<html><body>404</body></html>\n", "data.web_page"),
    "56 web page after a space": (b"\n <html lang='en'>\n</html>\n", "data.web_page"),
    "57 CSV": (b"text,label\nhello,good\n", "data.csv_in_jsonl"),
    "63 Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "data.pointer_file",
    ),
    "63 git-annex": (b"../.git/annex/objects/aa/bb/SHA256E-s9--0.jsonl\n", "data.pointer_file"),
    "40 every row is Python": (
        b"\n".join(str(json.loads(r)).encode() for r in GOOD),
        "data.mostly_unreadable",
    ),
    "plain text": (b"Dear all\nplease find attached\n", "data.mostly_unreadable"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_of_another_kind_is_refused_whole_with_the_way_out(case, write, make_config):
    content, code = REFUSED[case]
    rows, found = check_rows(make_config(write("a.jsonl", content), "jsonl_chat"))
    assert rows is None
    assert found[0].code == code
    assert found[0].severity == "error"
    assert found[0].hint
    assert "a.jsonl" in found[0].where


ROW_ERRORS = {
    "05 BOM in the middle": (six(b"\xef\xbb\xbf" + GOOD[2]), "data.bom_inside"),
    "06 NUL in a string": (six(GOOD[2].replace(b"question", b"que\x00stion")), "data.nul_bytes"),
    "09 latin-1": (six(b'{"messages": "caf\xe9"}'), "data.not_utf8"),
    "10 bad UTF-8 in a column that is not used": (six(GOOD[2][:-1] + b', "note": "\xff"}'), "data.not_utf8"),
    "15 deep": (six(b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "data.too_deep"),
    "16 key content twice": (six(GOOD[2].replace(b'"content"', b'"content": "x", "content"', 1)), "data.duplicate_key"),
    "17 key messages twice": (six(b'{"messages": [], ' + GOOD[2][1:]), "data.duplicate_key"),
    "18 NaN": (six(GOOD[2][:-1] + b', "score": NaN}'), "data.not_finite"),
    "18b -Infinity": (six(GOOD[2][:-1] + b', "score": -Infinity}'), "data.not_finite"),
    "19 content is a number": (chat({"role": "user", "content": 42}, BOT), "data.not_text"),
    "20 content is null": (chat({"role": "user", "content": None}, BOT), "data.null_field"),
    "20 content is a list": (chat({"role": "user", "content": ["a"]}, BOT), "data.not_text"),
    "22 image part": (chat({"role": "user", "content": [{"type": "image_url"}]}, BOT), "data.content_parts"),
    "22 part without text": (chat({"role": "user", "content": [{"type": "text"}]}, BOT), "data.missing_part_text"),
    "23 no assistant": (chat(USER), "data.no_assistant"),
    "26 white space": (chat({"role": "user", "content": " \t\n\u3000"}, BOT), "data.empty_field"),
    "26 empty": (chat(USER, {"role": "assistant", "content": ""}), "data.empty_field"),
    "27 zero width": (chat({"role": "user", "content": "\u200b\u2060\ufeff\u00ad\u2800\u3164"}, BOT), "data.empty_field"),
    "28 content of 5000 digits": (six(b'{"messages": [{"role": "user", "content": ' + b"7" * 5000 + b"}]}"), "data.not_text"),
    "30 half a character": (six(GOOD[2].replace(b"question", b"\\ud83d")), "data.lone_surrogate"),
    "31 surrogate bytes": (six(GOOD[2].replace(b"question", b"\xed\xa0\xbd")), "data.not_utf8"),
    "35 two objects": (six(GOOD[2] + b" " + GOOD[2]), "data.two_values"),
    "40 Python": (six(str(json.loads(GOOD[2])).encode()), "data.python_literal"),
    "41 trailing comma": (six(GOOD[2][:-1] + b",}"), "data.invalid_json"),
    "42 comment": (six(b"// a comment"), "data.invalid_json"),
    "43 unknown role": (chat({"role": "usr", "content": "q"}, BOT), "data.unknown_role"),
    "44 role in capitals": (chat({"role": "User", "content": "q"}, BOT), "data.role_case"),
    "45 ShareGPT without mapping, one row": (six(b'{"conversations": [{"from": "human", "value": "a"}]}'), "data.missing_field"),
    "46 messages is a text": (six(b'{"messages": "hello"}'), "data.messages_not_list"),
    "47 messages is an object": (six(b'{"messages": {"role": "user"}}'), "data.messages_not_list"),
    "48 list": (six(b"[1, 2]"), "data.not_an_object"),
    "48 null": (six(b"null"), "data.not_an_object"),
    "48 number": (six(b"7"), "data.not_an_object"),
    "48 text": (six(b'"hello"'), "data.not_an_object"),
    "51 other columns": (six(b'{"prompt": "a", "completion": "b"}'), "data.missing_field"),
    "58 blank line": (six(b""), "data.blank_line"),
    "58 blank line with spaces": (six(b"  \t\r"), "data.blank_line"),
    "59 no messages": (six(b'{"messages": []}'), "data.no_messages"),
    "60 message is a text": (chat("hello", BOT), "data.message_not_object"),
    "60 message is null": (chat(None, BOT), "data.message_not_object"),
    "62 no role": (chat({"content": "q"}, BOT), "data.missing_role"),
    "role is a list": (chat({"role": ["user"], "content": "q"}, BOT), "data.role_not_text"),
    "role is null": (chat({"role": None, "content": "q"}, BOT), "data.role_not_text"),
    "no content": (chat({"role": "user"}, BOT), "data.missing_content"),
    "empty tool calls": (chat(USER, {**CALL, "tool_calls": []}), "data.bad_tool_calls"),
}  # fmt: skip


@pytest.mark.parametrize("case", ROW_ERRORS)
def test_a_bad_row_costs_that_row_and_names_its_line(case, write, make_config):
    content, code = ROW_ERRORS[case]
    rows, found = check_rows(make_config(write("a.jsonl", content), "jsonl_chat"))
    assert rows is not None, found
    assert [item.line for item in rows.rows] == [1, 2, 3, 4, 5, 6]
    assert [item.usable for item in rows.rows] == [True, True, False, True, True, True]
    problems = rows.rows[2].problems
    assert code in {problem.code for problem in problems}
    for problem in problems:
        assert problem.severity == "error"
        assert problem.where.startswith("a.jsonl:3")
        assert problem.hint
    summary = [item for item in rows.findings if item.code == "data.rows_unusable"]
    assert len(summary) == len({problem.code for problem in problems})
    assert all(item.where == "a.jsonl:3" for item in summary)


def test_the_place_of_a_message_is_named(write, make_config):
    content = chat(USER, {"role": "assistant", "content": 7})
    rows, _ = check_rows(make_config(write("a.jsonl", content), "jsonl_chat"))
    assert rows.rows[2].problems[0].where == "a.jsonl:3 messages[1].content"


def test_all_problems_of_a_row_are_told(write, make_config):
    content = chat({"role": "User", "content": 1}, {"role": "assistant", "content": ""}, "x")
    rows, _ = check_rows(make_config(write("a.jsonl", content), "jsonl_chat"))
    assert [problem.code for problem in rows.rows[2].problems] == [
        "data.role_case",
        "data.not_text",
        "data.empty_field",
        "data.message_not_object",
    ]


def test_every_fault_of_the_json_is_told(write, make_config):
    content = six(b'{"messages": [], "messages": [], "a": NaN, "b": Infinity}')
    rows, _ = check_rows(make_config(write("a.jsonl", content), "jsonl_chat"))
    assert [problem.code for problem in rows.rows[2].problems] == [
        "data.not_finite",
        "data.not_finite",
        "data.duplicate_key",
        "data.no_messages",
    ]


def test_a_last_line_that_is_cut_or_padded_costs_only_that_row(write, make_config):
    cut = b"\n".join(GOOD)[:-20]  # 11
    padded = ALL + bytes(100)  # 07
    for content, code, count in ((cut, "data.cut_line", 6), (padded, "data.nul_bytes", 7)):
        rows, _ = check_rows(make_config(write("a.jsonl", content), "jsonl_chat"))
        assert len(rows) == count
        assert [item.usable for item in rows.rows] == [True] * (count - 1) + [False]
        assert rows.rows[-1].problems[0].code == code


WARNED = {
    "04 BOM": (b"\xef\xbb\xbf" + ALL, "data.byte_order_mark"),
    "03 mixed line ends": (ALL.replace(b"\n", b"\r\n", 2), "data.mixed_line_ends"),
    "24 two system messages": (chat({"role": "system", "content": "s"}, {"role": "system", "content": "t"}, USER, BOT), "data.several_systems"),
    "24 system later": (chat(USER, {"role": "system", "content": "s"}, BOT), "data.system_not_first"),
    "25 same role twice": (chat(USER, USER, BOT), "data.same_role_twice"),
    "28 number of 5000 digits": (six(GOOD[2][:-1] + b', "n": ' + b"7" * 5000 + b"}"), "data.number_out_of_range"),
    "29 1e400": (six(GOOD[2][:-1] + b', "n": 1e400}'), "data.number_out_of_range"),
    "49 line separators": (six(GOOD[2].replace(b"question", "a\u2028b".encode())), "data.line_separators"),
    "49 form feed": (six(GOOD[2].replace(b"question", b"a\\fb")), "data.control_characters"),
    "53 escaped NUL": (six(GOOD[2].replace(b"question", b"a\\u0000b")), "data.control_characters"),
    "54 ten thousand keys": (six(GOOD[2][:-1] + b"," + b",".join(b'"k%d": 1' % i for i in range(10_000)) + b"}"), "data.unused_columns"),
    "55 special tokens": (six(GOOD[2].replace(b"question", b"<|im_end|>")), "data.special_tokens"),
    "55 end of text": (six(GOOD[2].replace(b"question", b"a</s>b")), "data.special_tokens"),
    "61 column changes its type": (six(GOOD[2][:-1] + b', "id": "x"}').replace(b"question 1", b"question 1"), "data.unused_columns"),
    "last message is the user's": (chat(USER, BOT, USER), "data.last_not_assistant"),
    "tool call without answer": (chat(USER, CALL, USER, BOT), "data.call_without_answer"),
    "keys of messages": (chat(USER, {**BOT, "weight": 0}), "data.unused_keys"),
    "placeholder": (six(row("Hello {{name}}, how are you?")), "data.placeholders"),
    "empty lines at the end": (ALL + b"\n\n", "data.trailing_blank_lines"),
    "repeated row": (six(GOOD[0]), "data.duplicate_rows"),
}  # fmt: skip


@pytest.mark.parametrize("case", WARNED)
def test_a_doubt_is_told_once_with_count_and_place_and_costs_no_row(case, write, make_config):
    content, code = WARNED[case]
    rows, found = check_rows(make_config(write("a.jsonl", content), "jsonl_chat"))
    assert rows is not None, found
    assert [row.usable for row in rows.rows] == [True] * 6
    told = [item for item in found if item.code == code]
    assert len(told) == 1
    assert told[0].severity in ("warning", "info")
    assert told[0].where.startswith("a.jsonl")


ACCEPTED = {
    "03 CR LF": ALL.replace(b"\n", b"\r\n"),
    "12 no final newline": ALL[:-1],
    "21 tool calls": chat(USER, CALL, {"role": "tool", "content": ""}, BOT),
    "braces that are no placeholder": six(row("a {x} and f(}{) in {a: {b: 1}}")),
    "text after blanks": six(row("\n  a")),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_right_is_accepted_without_a_word(case, write, make_config):
    rows, found = check_rows(make_config(write("a.jsonl", ACCEPTED[case]), "jsonl_chat"))
    assert found == []
    assert len(rows.usable) == 6


def test_texts_come_through_byte_for_byte(write, make_config):
    text = '  a\u2028b\u0085c "q" \\ \U0001f600 {{x}} <|im_end|> \x00 e\u0301\n\r\n'
    rows, _ = check_rows(make_config(write("a.jsonl", row(text)), "jsonl_chat"))
    assert rows.rows[0].fields["messages"][0] == {"role": "user", "content": text}


def test_a_line_beyond_the_limit_costs_that_row(write, make_config, monkeypatch):
    monkeypatch.setattr(limits, "LINE_BYTES", 1000)
    config = make_config(write("a.jsonl", six(row("x" * 2000))), "jsonl_chat")
    rows, _ = check_rows(config)
    assert [item.usable for item in rows.rows] == [True, True, False, True, True, True]
    (problem,) = rows.rows[2].problems
    assert (problem.code, problem.where) == ("data.line_too_long", "a.jsonl:3")
    monkeypatch.setattr(limits, "LINE_BYTES", 10_000)
    assert len(check_rows(config)[0].usable) == 6  # 13: long is no fault


def test_more_than_half_unreadable_refuses_and_shows_the_first_ones(write, make_config):
    content = b"".join(b"{broken %d\n" % i for i in range(4)) + ALL[: len(GOOD[0]) + 1] * 3
    rows, found = check_rows(make_config(write("a.jsonl", content), "jsonl_chat"))
    assert rows is None
    assert [item.code for item in found] == ["data.mostly_unreadable", *["data.invalid_json"] * 3]
    assert found[1].where == "a.jsonl:1 column 2"
    assert "4 of 7" in found[0].message


def test_many_faulty_rows_of_the_right_kind_do_not_make_another_file_of_it(write, make_config):
    content = b"".join(r[:-1] + b', "score": NaN}\n' for r in GOOD[:5]) + GOOD[5]
    rows, found = check_rows(make_config(write("a.jsonl", content), "jsonl_chat"))
    assert len(rows) == 6
    assert len(rows.usable) == 1
    assert found[0].code == "data.rows_unusable"


def test_thousands_of_bad_rows_stay_readable(write, make_config):
    bad = [{"messages": [{"role": "user", "content": "q"}]} for _ in range(3000)]
    bad += [{"messages": []} for _ in range(2000)]
    rows, found = check_rows(
        make_config(write("a.jsonl", [*map(json.loads, GOOD), *bad]), "jsonl_chat")
    )
    assert len(rows) == 5006
    assert len(rows.usable) == 6
    summary = [item for item in found if item.code == "data.rows_unusable"]
    assert [item.message.split(" ", 1)[0] for item in summary] == ["3000", "2000"]
    assert summary[0].where == "a.jsonl:7, 8, 9, 10, 11 … (+2995)"
    assert len(repr(rows).split("\n")) <= 10


def test_a_file_that_grows_while_it_is_read_is_refused(write, make_config, monkeypatch):
    path = write("a.jsonl", ALL)
    from ft_runtime.data.read import jsonl

    before = jsonl.value_of

    def value_of(line):
        if line.startswith(GOOD[2].rstrip(b"\n")):
            with path.open("ab") as stream:
                stream.write(GOOD[0])
        return before(line)

    monkeypatch.setattr(jsonl, "value_of", value_of)
    rows, found = check_rows(make_config(path, "jsonl_chat"))
    assert rows is None
    assert found[0].code == "data.file_changed"
