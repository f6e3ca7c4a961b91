"""Nasty CSV: quotes, headers, delimiters, and labels that nobody may guess about."""

from __future__ import annotations

import csv
import gzip
import io

import pytest

from ft_runtime.data import check_rows
from ft_runtime.data.read import limits

HEADER = "text,label\n"
BODY = "good one,pos\nbad one,neg\nfine two,pos\npoor two,neg\n"


def codes(found) -> list[str]:
    return [item.code for item in found]


REFUSED = {
    "04 column twice": ("text,label,text\na,pos,b\nc,neg,d\n", "data.duplicate_column", "text"),
    "05 no header": (BODY, "data.no_header", "good one, pos"),
    "06 header in capitals": ("Text,LABEL\n" + BODY, "data.missing_columns", "columns: {text: Text, label: LABEL}"),
    "16b carriage returns only": ((HEADER + BODY).replace("\n", "\r"), "data.cr_only", "carriage"),
    "19 UTF-16": ((HEADER + BODY).encode("utf-16"), "data.wide_encoding", "UTF-16"),
    "22 header only": (HEADER, "data.header_only", "header"),
    "22 header and blank lines": (HEADER + "\n\n", "data.header_only", "header"),
    "23 empty": ("", "data.empty_file", "empty"),
    "23 blank": ("\n\n", "data.blank_file", "no rows"),
    "33 JSON Lines": ('{"text": "a", "label": "b"}\n', "data.json_in_csv", ".jsonl"),
    "33 JSON array": ('[{"text": "a", "label": "b"}]\n', "data.json_in_csv", ".json"),
    "35 space after the comma": ("text, label\ngood, pos\nbad, neg\n", "data.missing_columns", 'label: " label"'),
    "18 latin-1 header": ("textä,label\n".encode("latin-1") + BODY.encode(), "data.not_utf8", "UTF-8"),
    "header with an open quote": ('"text,label\n' + BODY, "data.unbalanced_quote", "double quote"),
    "one column": ("text\ngood\nbad\n", "data.no_header", "label"),
    "all rows ragged": (HEADER + "a,b,c\nd,e,f\n", "data.mostly_unreadable", "2 of 2 rows"),
    "09 one class": (HEADER + "a,pos\nb,pos\n", "data.one_class", '"pos"'),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_csv_that_cannot_serve_is_refused_and_says_why(case, write, make_config):
    content, code, said = REFUSED[case]
    rows, found = check_rows(make_config(write("a.csv", content), "csv_classification"))
    assert rows is None
    assert found[0].code == code
    assert said in found[0].message + found[0].hint


BAD_ROWS = {
    "13 a cell too many": ("a,pos,more\n", [2], ["data.ragged_row"]),
    "13b a cell too few": ("alone\n", [2], ["data.ragged_row"]),
    "15 quote in a quoted cell": ('"he said "no" to me",pos\n', [2], ["data.stray_quote"]),
    "30 backslash quote": ('"he said \\"no\\"",pos\n', [2], ["data.stray_quote"]),
    "15 quote in a bare cell": ('a 5" screen,pos\n', [2], ["data.stray_quote"]),
    "20 NUL": ("some words\0b,pos\n", [2], ["data.nul_bytes"]),
    "17 blank line": ("\n", [2], ["data.blank_line"]),
    "17 blank line with spaces": ("  \n", [2], ["data.blank_line"]),
    "18 latin-1": ("caf\xe9,pos\n".encode("latin-1"), [2], ["data.not_utf8"]),
    "18 latin-1 in the second line of a cell": (b'"a\ncaf\xe9",pos\n', [2], ["data.not_utf8"]),
    "26 empty label": ("something,\n", [2], ["data.empty_field"]),
    "32 empty text": (",pos\n", [2], ["data.empty_field"]),
    "34 white space text": ("  \u3000,pos\n", [2], ["data.empty_field"]),
    "both empty": (",\n", [2], ["data.empty_field", "data.empty_field"]),
    "14 open quote, whole rows below": ('"never closed,pos\n', [2], ["data.unbalanced_quote"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_costs_that_row_and_names_its_line(case, write, make_config):
    bad, lines, expected = BAD_ROWS[case]
    raw = bad if isinstance(bad, bytes) else bad.encode()
    content = HEADER.encode() + raw + BODY.encode()
    rows, found = check_rows(make_config(write("a.csv", content), "csv_classification"))
    assert rows is not None, found
    lost = [row for row in rows.rows if not row.usable]
    assert [row.line for row in lost] == lines
    assert codes(lost[0].problems) == expected
    assert len(rows.usable) == 4
    assert [row.fields["text"] for row in rows.usable] == [
        "good one",
        "bad one",
        "fine two",
        "poor two",
    ]


ACCEPTED = {
    "01 line break in a cell": ('"one\ntwo",pos\n', "one\ntwo", "pos"),
    "16 CR LF in a cell": ('"one\r\ntwo",pos\n', "one\r\ntwo", "pos"),
    "36 comma in a cell": ('"one, two",pos\n', "one, two", "pos"),
    "doubled quotes": ('"say ""no"" now",pos\n', 'say "no" now', "pos"),
    "21 long cell": ("x" * 200_000 + ",pos\n", "x" * 200_000, "pos"),
    "25 formula": ("=SUM(A1:A9),pos\n", "=SUM(A1:A9)", "pos"),
    "12 NA": ("NA,null\n", "NA", "null"),
    "12 None": ("None,NaN\n", "None", "NaN"),
    "10 number": ("1.0,01\n", "1.0", "01"),
    "28 true": ("TRUE,true\n", "TRUE", "true"),
    "spaces inside stay": ("  a  b ,pos\n", "  a  b ", "pos"),
    "line separator": ("a\u2028b,pos\n", "a\u2028b", "pos"),
    "comment below the header": ("# no comment,pos\n", "# no comment", "pos"),
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_cells_are_texts_exactly_as_written(case, ends, write, make_config):
    line, text, label = ACCEPTED[case]
    content = (HEADER + BODY).replace("\n", ends) + line[:-1] + ends
    rows, found = check_rows(make_config(write("a.csv", content), "csv_classification"))
    assert rows is not None, found
    assert rows.rows[4].fields == {"text": text, "label": label}
    assert [row.line for row in rows.rows] == [2, 3, 4, 5, 6]
    assert label in rows.label_names


def test_rows_after_line_breaks_in_cells_have_their_physical_lines(write, make_config):
    content = HEADER + '"a\nb\nc",pos\nd,neg\n"e\nf",pos\n,neg\n'
    rows, _ = check_rows(make_config(write("a.csv", content), "csv_classification"))
    assert [row.line for row in rows.rows] == [2, 5, 6, 8]
    assert rows.rows[3].problems[0].where == "a.csv:8 text"


def test_an_open_quote_does_not_swallow_the_rows_below(write, make_config):
    body = "".join(f"text {i},{'pos' if i % 2 else 'neg'}\n" for i in range(800))
    for end in ("", '"quoted, at last",pos\n', '"two\nlines",neg\n'):
        content = HEADER + "first,neg\n" + '"never closed,pos\n' + body + end
        rows, _ = check_rows(make_config(write("a.csv", content), "csv_classification"))
        lost = [row for row in rows.rows if not row.usable]
        assert [(row.line, row.problems[0].code) for row in lost] == [(3, "data.unbalanced_quote")]
        assert len(rows.usable) == 801 + bool(end)


def test_what_may_be_the_rest_of_a_broken_text_is_never_taken_for_a_row(write, make_config):
    """Line 3 has two cells, and is the middle of a text whose end is badly quoted."""
    content = (
        HEADER + '"It began here\nand went on, like this\nuntil he said "stop" to it",pos\n' + BODY
    )
    rows, _ = check_rows(make_config(write("a.csv", content), "csv_classification"))
    assert [(row.line, codes(row.problems)) for row in rows.rows if not row.usable] == [
        (2, ["data.unbalanced_quote"]),
        (3, ["data.inside_quote"]),
        (4, ["data.inside_quote"]),
    ]
    assert len(rows.usable) == 4


def test_an_open_quote_reads_no_further_than_the_limit(write, make_config, monkeypatch):
    monkeypatch.setattr(limits, "LINE_BYTES", 500)
    content = HEADER + '"never closed,pos\n' + "some text,neg\n" * 200 + "more,pos\n"
    rows, _ = check_rows(make_config(write("a.csv", content), "csv_classification"))
    assert len(rows) == 202
    assert [row.line for row in rows.rows if not row.usable] == [2]


def test_the_csv_module_is_left_as_it_was(write, make_config):
    before = csv.field_size_limit()
    check_rows(make_config(write("a.csv", HEADER + BODY), "csv_classification"))
    check_rows(make_config(write("b.csv", HEADER + '"'), "csv_classification"))
    assert csv.field_size_limit() == before


TOLD = {
    "02 semicolon": ((HEADER + BODY).replace(",", ";").encode(), "data.csv_delimiter", "semicolon"),
    "03 tab": ((HEADER + BODY).replace(",", "\t").encode(), "data.csv_delimiter", "tab"),
    "03 bar": ((HEADER + BODY).replace(",", "|").encode(), "data.csv_delimiter", "bar"),
    "29 comments above the header": (("# by hand\n#\n" + HEADER + BODY).encode(), "data.csv_comment", "#"),
    "31 gzip": (gzip.compress((HEADER + BODY).encode()), None, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_what_can_be_read_is_read_and_told(case, write, make_config):
    content, code, said = TOLD[case]
    rows, found = check_rows(make_config(write("a.csv", content), "csv_classification"))
    assert rows is not None, found
    texts = [row.fields["text"] for row in rows.usable]
    assert texts == ["good one", "bad one", "fine two", "poor two"]
    assert {item.code for item in found} == ({code} if code else set())
    assert all(said in item.message for item in found)


def test_a_tsv_may_have_tabs_without_a_word(write, make_config):
    content = (HEADER + BODY).replace(",", "\t")
    rows, found = check_rows(make_config(write("a.tsv", content), "csv_classification"))
    assert found == []
    assert len(rows.usable) == 4


def test_byte_order_mark_and_trailing_comma(write, make_config):
    content = "\ufefftext,label,\n" + "good,pos,\nbad,neg,\n"
    rows, found = check_rows(make_config(write("a.csv", content), "csv_classification"))
    assert codes(found)[0] == "data.byte_order_mark"
    assert [row.fields["text"] for row in rows.usable] == ["good", "bad"]


def test_quoted_header_after_a_byte_order_mark(write, make_config):
    content = '\ufeff"text","label"\n' + BODY
    rows, _ = check_rows(make_config(write("a.csv", content), "csv_classification"))
    assert len(rows.usable) == 4


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "a.txt", "data", "a.tsv"])
def test_the_content_decides_where_the_ending_is_silent(name, write, make_config):
    rows, found = check_rows(make_config(write(name, HEADER + BODY), "csv_classification"))
    assert found == []
    assert len(rows.usable) == 4


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.txt"])
def test_classification_reads_json_lines_too(name, write, make_config):
    content = [
        {"text": "a", "label": "x"},
        {"text": "b", "label": "y"},
        {"text": "c", "label": "y"},
    ]
    rows, _ = check_rows(make_config(write(name, content), "csv_classification"))
    assert rows.label_names == ["x", "y"]


def test_prompts_may_come_as_csv(write, make_config):
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["question", "query"], ["How many?", "SELECT\n 1, 2"]])
    columns = {"prompt": "question", "completion": "query"}
    config = make_config(write("a.csv", out.getvalue()), "jsonl_prompt", columns=columns)
    rows, found = check_rows(config)
    assert found == []
    assert rows.rows[0].fields == {"prompt": "How many?", "completion": "SELECT\n 1, 2"}
