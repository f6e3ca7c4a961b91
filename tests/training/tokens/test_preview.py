"""The example that a notebook shows: exact text, marks, and nothing that runs."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.findings import FindingsError
from ft_runtime.tokens import prepare_data, show_example
from support.tokens.dialects import CHATML, INST, learned_of, text_of
from support.tokens.rows import chat, config_for, prepared, rows_of, split_rows
from support.tokens.tokenizers import byte_level, metaspace, word_piece


class Reader(HTMLParser):
    """Text of a page, text within marks, and every tag that was opened."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.shown = self.marked = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append("/" + tag)

    def handle_data(self, data: str) -> None:
        inside = self.tags.count("pre") > self.tags.count("/pre")
        self.shown += data if inside else ""
        marked = self.tags.count("mark") > self.tags.count("/mark")
        self.marked += data if marked else ""


MESSAGES = chat("hello", "world", "what", "Paris")


@pytest.mark.parametrize("kind", [byte_level, metaspace])
@pytest.mark.parametrize("dialect", [CHATML, INST], ids=repr)
def test_pieces_are_the_text_and_the_marks_are_what_is_learned(dialect, kind):
    tokenizer = kind(dialect)
    rows = rows_of("jsonl_chat", MESSAGES)
    data = prepare_data(config_for("jsonl_chat"), rows, split_rows(rows), tokenizer)
    shown = show_example(data, tokenizer)
    pieces = dialect.oracle(MESSAGES["messages"])
    assert shown.text == text_of(pieces)
    assert list(shown.supervised) == learned_of(pieces)
    assert shown.tokens == len(data.train[0]["input_ids"])
    assert shown.supervised_tokens == data.ledger.entries[0].supervised_tokens
    marked = "".join(f"⟦{piece}⟧" if learned else piece for piece, learned in pieces)
    assert repr(shown).endswith("\n\n" + marked)
    assert f"{shown.tokens} tokens, {shown.supervised_tokens} of them supervised" in repr(shown)
    assert "between ⟦ and ⟧" in repr(shown)


hostile = st.sampled_from(
    ["<script>alert(1)</script>", "</pre>", "<mark>", "&lt;", "\"'>", "<!--", "\u202e", "\u2028"]
) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5)


@settings(deadline=None, max_examples=60)
@given(st.lists(hostile, min_size=1, max_size=3).map("".join), hostile)
def test_whatever_users_wrote_is_text_on_the_page(question, answer):
    data = prepared("jsonl_chat", chat(question, "a" + answer))
    shown = show_example(data, byte_level(CHATML))
    page = Reader(shown._repr_html_())
    assert set(page.tags) <= {
        "div", "/div", "span", "/span", "pre", "/pre", "mark", "/mark",
    }  # fmt: skip
    expected = shown.text
    for turning in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
        expected = expected.replace(turning, f"\\u{ord(turning):04x}")
    assert page.shown == expected
    assert page.marked.endswith("<|im_end|>")


def test_a_class_is_shown_beside_its_text():
    rows = rows_of("csv_classification", {"text": "the fox", "label": "<good>"})
    rows.label_names = ["<good>"]
    data = prepare_data(config_for("csv_classification"), rows, split_rows(rows), word_piece())
    shown = show_example(data, word_piece())
    assert shown.text == "[CLS] the fox [SEP]"
    assert shown.label == "<good>"
    assert "the label '<good>'" in repr(shown)
    assert "&lt;good&gt;" in shown._repr_html_()


def test_any_row_of_any_split_can_be_asked_for():
    data = prepared("jsonl_chat", *[chat(f"row {n}", "world") for n in range(1, 5)], val=1)
    tokenizer = byte_level(CHATML)
    assert show_example(data, tokenizer, index=2).row == 3
    assert show_example(data, tokenizer, index=-1).row == 3
    assert show_example(data, tokenizer, "val").row == 4
    for split, index in (("train", 3), ("train", -4), ("test", 0), ("holdout", 0)):
        with pytest.raises(FindingsError, match="no_such_example"):
            show_example(data, tokenizer, split, index)


def test_the_summary_shows_splits_totals_and_classes():
    data = prepared("jsonl_chat", chat("hello", "world"), chat("what", "Paris"), val=1)
    shown = repr(data)
    assert "train 1, val 1, test 0 rows" in shown
    assert "Ledger of 2 rows" in shown
    assert "<table>" in data._repr_html_()
