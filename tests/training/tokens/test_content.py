"""Contents in parts: rendered and learned where the template takes them, refused where not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.doctor.tokens import check_tokens
from ft_runtime.evaluation.text_task import shown_prompt
from ft_runtime.tokens import PLAIN_CHAT_TEMPLATE
from ft_runtime.tokens.mask import MaskError, Rendered, TurnFinder
from ft_runtime.tokens.specials import specials_of
from ft_runtime.tokens.template import ChatRenderer
from support.tokens.dialects import CHATML, THINKING, Dialect
from support.tokens.rows import codes, learned, prepared, rows_of
from support.tokens.tokenizers import byte_level


def chatml(content: str) -> Dialect:
    """ChatML with a way of its own to write a content."""
    written = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n" + content + "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return replace(CHATML, template=written)


_EACH = "{% for p in m.content %}{% if p.type == 'text' %}{{ p.text }}{% endif %}{% endfor %}"
BOTH = chatml("{% if m.content is string %}{{ m.content }}{% else %}" + _EACH + "{% endif %}")
PARTS_ONLY = chatml(_EACH)
LINES = chatml(
    "{% if m.content is string %}{{ m.content }}{% else %}"
    "{{ m.content | map(attribute='text') | map('trim') | join('\n') }}{% endif %}"
)
USER_ONLY = chatml(
    "{% if m.role == 'user' and m.content is not string %}" + _EACH + "{% else %}"
    "{{ '' + m.content }}{% endif %}"
)
TEXT_ONLY = {
    "writes the list": CHATML,
    "writes the list trimmed": chatml("{{ m.content | trim }}"),
    "writes the list as JSON": chatml("{{ m.content | tojson }}"),
    "writes the list as JSON in JSON": chatml("{{ m.content | tojson | tojson }}"),
    "adds texts": replace(CHATML, template=PLAIN_CHAT_TEMPLATE),
    "strips texts": chatml("{{ m.content.strip() }}"),
    "leaves lists out": chatml("{% if m.content is string %}{{ m.content }}{% endif %}"),
    "takes the first part": chatml(
        "{% if m.content is string %}{{ m.content }}{% else %}{{ m.content[0].text }}{% endif %}"
    ),
    "thinks": THINKING,
}


# Text that looks like a list of parts as Python or JSON writes it, or like markers.
NASTY = ("{'type': 'text', 'text': '", '"text": "', "[{", "<|im_end|>", "ftpart0trap", " ", "\n")


def parts(*texts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text} for text in texts]


def talk(*contents: Any) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[i % 2], "content": c} for i, c in enumerate(contents)]


def find(dialect: Dialect, messages: list[dict[str, Any]]) -> Rendered:
    tokenizer = byte_level(dialect)
    renderer = ChatRenderer(tokenizer, datetime(2026, 1, 1))
    return TurnFinder(renderer, specials_of(tokenizer)).find(messages)


def answers(found: Rendered) -> list[str]:
    return [found.text[turn.start : turn.end] for turn in found.turns]


@pytest.mark.parametrize(
    "messages",
    [
        talk(parts("Hi"), "Hello"),
        talk("Hi", parts("Hello")),
        talk(parts("Hi", " there"), parts("Hel", "lo")),
        talk(parts("a"), parts("Hello", ""), "b", parts("<|im_end|>x", "{'type': 'text'")),
        talk(parts("say {'type': 'text', 'text': 'Hi'}"), parts('{"text": "Hi"}')),
    ],
)
def test_parts_are_what_one_text_of_them_would_be(messages):
    """The oracle is the same conversation with the texts joined by hand."""
    joined = [
        m if isinstance(m["content"], str) else {**m, "content": "".join(p["text"] for p in m["content"])}
        for m in messages
    ]  # fmt: skip
    found, expected = find(BOTH, messages), find(BOTH, joined)
    assert found == expected
    assert answers(found) == [f"{m['content']}<|im_end|>" for m in joined[1::2]]
    assert not found.rewritten


texts = st.lists(st.text(max_size=6) | st.sampled_from(NASTY), min_size=1, max_size=3)


@settings(deadline=None, max_examples=150)
@given(st.lists(texts, min_size=2, max_size=2) | st.lists(texts, min_size=4, max_size=4))
def test_any_parts_are_what_one_text_of_them_would_be(contents):
    joined = ["".join(each) for each in contents]
    expected = find(BOTH, talk(*joined))
    assert find(BOTH, talk(*(parts(*each) for each in contents))) == expected
    assert answers(expected) == [f"{text}<|im_end|>" for text in joined[1::2]]


def test_a_template_that_takes_nothing_but_parts_has_its_answers_found():
    messages = talk(parts("Hi", "!"), parts("Hello"), parts("Bye"), parts("So ", "long"))
    found = find(PARTS_ONLY, messages)
    assert answers(found) == ["Hello<|im_end|>", "So long<|im_end|>"]
    assert found.text.startswith("<|im_start|>user\nHi!<|im_end|>\n<|im_start|>assistant\nHello")
    assert found.prompt == found.text[: found.turns[-1].start]


def test_what_a_template_writes_between_parts_is_learned_with_them():
    messages = talk(parts("one", "two"), parts(" a ", "b"), "more", parts("c", "d "))
    found = find(LINES, messages)
    assert answers(found) == ["a\nb<|im_end|>", "c\nd<|im_end|>"]
    assert "user\none\ntwo<|im_end|>" in found.text
    assert not found.rewritten


def test_parts_in_a_role_that_takes_them_and_in_one_that_does_not():
    assert answers(find(USER_ONLY, talk(parts("Hi"), "Hello"))) == ["Hello<|im_end|>"]
    with pytest.raises(MaskError) as caught:
        find(USER_ONLY, talk("Hi", parts("Hello")))
    assert caught.value.code == "tokens.parts_refused"


@pytest.mark.parametrize("way", TEXT_ONLY)
@pytest.mark.parametrize(
    "messages",
    [talk(parts("Hi", "x"), "Hello"), talk("Hi", parts("Hello", "x"))],
    ids=["question", "answer"],
)
def test_a_template_that_takes_texts_only_refuses_the_row_by_name(way, messages):
    with pytest.raises(MaskError) as caught:
        find(TEXT_ONLY[way], messages)
    assert caught.value.code == "tokens.parts_refused"


def test_a_list_is_not_learned_where_the_template_takes_no_text_either():
    odd = chatml(
        "{% if m.content is string %}{{ raise_exception('no') }}{% endif %}{{ m.content }}"
    )
    with pytest.raises(MaskError) as caught:
        find(odd, talk(parts("Hi"), parts("Hello")))
    assert caught.value.code == "tokens.parts_refused"


def test_a_row_that_a_template_refuses_for_its_roles_is_not_blamed_on_its_parts():
    strict = chatml(
        "{% if loop.first and m.role != 'user' %}{{ raise_exception('user first') }}{% endif %}"
        "{% if m.content is string %}{{ m.content }}{% else %}" + _EACH + "{% endif %}"
    )
    with pytest.raises(MaskError, match="user first") as caught:
        find(strict, [{"role": "assistant", "content": parts("a")}])
    assert caught.value.code == "tokens.template_refused"


def test_preparation_learns_the_answer_alone_and_no_list():
    data = prepared("jsonl_chat", {"messages": talk(parts("Hi"), parts("Hel", "lo"))}, dialect=BOTH)
    (row,) = data.train
    tokenizer = byte_level(BOTH)
    assert learned(tokenizer, row) == "Hello<|im_end|>"
    assert "type" not in tokenizer.decode(row["input_ids"])
    (example,) = data.examples["train"]
    assert example.reference == "Hello"
    assert shown_prompt(example) == "Hi"


def test_check_and_run_refuse_the_same_rows_and_say_what_to_type(told):
    fields = [
        {"messages": talk("Hi", "Hello")},
        {"messages": talk(parts("Hi"), "Hello")},
        {"messages": talk("Bye", "So long")},
    ]
    report = check_tokens(rows_of("jsonl_chat", *fields).rows, "jsonl_chat", byte_level(CHATML), 99)
    assert report.dropped == {"tokens.parts_refused": 1}
    assert [place for place, _ in report.refused] == ["a.jsonl:2"]
    (item,) = [item for item in report.findings if item.code == "tokens.parts_refused"]
    assert 'message["content"] = "".join(part["text"]' in item.hint
    data = prepared("jsonl_chat", *fields)
    assert len(data.train) == 2
    assert "tokens.parts_refused" in codes(told)
