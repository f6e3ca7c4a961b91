"""The plain template, in every respect in which a base model needs it."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ft_runtime.tokens import PLAIN_CHAT_TEMPLATE
from ft_runtime.tokens.template import ChatRenderer, RefusalError
from support.tokens.dialects import CHATML, plain_dialect
from support.tokens.tokenizers import byte_level

CHAT = [
    {"role": "system", "content": "terse"},
    {"role": "user", "content": "2 + 2?"},
    {"role": "assistant", "content": "4"},
]


@pytest.fixture
def tokenizer() -> Any:
    return copy.deepcopy(byte_level(plain_dialect()))


def render(tokenizer: Any, messages: list[dict[str, Any]], generation: bool = False) -> str:
    return tokenizer.apply_chat_template(
        messages,
        tokenize=False,
        add_generation_prompt=generation,
        chat_template=PLAIN_CHAT_TEMPLATE,
    )


def test_it_is_what_its_documentation_shows(tokenizer):
    shown = "### System:\nterse\n\n### User:\n2 + 2?\n\n### Assistant:\n"
    assert render(tokenizer, CHAT) == f"<s>{shown}4</s>\n\n"
    assert render(tokenizer, CHAT[:2], generation=True) == f"<s>{shown}"


def test_the_prompt_is_the_start_of_the_conversation(tokenizer):
    assert render(tokenizer, CHAT).startswith(render(tokenizer, CHAT[:2], generation=True))


def test_a_tokenizer_without_a_begin_token_gets_none(tokenizer):
    tokenizer.bos_token = None
    assert render(tokenizer, CHAT).startswith("### System:")


def test_a_begin_token_that_is_the_end_token_is_not_put_first(tokenizer):
    """As in GPT-2, where the same token does both: at the start it would be an end."""
    tokenizer.bos_token = tokenizer.eos_token
    assert render(tokenizer, CHAT).startswith("### System:")


def test_texts_stand_as_they_are(tokenizer):
    content = " {{ bos_token }} {% raw %} <b>&amp; \n "
    assert f"### User:\n{content}\n\n" in render(tokenizer, [{"role": "user", "content": content}])


def test_messages_are_not_changed_by_rendering():
    messages = copy.deepcopy(CHAT)
    ChatRenderer(byte_level(CHATML), datetime(2026, 1, 1)).render(messages)
    assert messages == CHAT


def test_an_empty_conversation_is_refused():
    with pytest.raises(RefusalError, match="empty conversation"):
        ChatRenderer(byte_level(CHATML), datetime(2026, 1, 1)).render([])


@pytest.mark.parametrize("lead", ["", "\n", "  \n", "{# note #}\n"])
def test_stopping_the_clock_changes_nothing_else(lead):
    """The macro that stands in for the clock must not eat what the template begins with."""
    moment = datetime(2026, 2, 3)
    with_clock, without = copy.deepcopy(byte_level(CHATML)), copy.deepcopy(byte_level(CHATML))
    call = """{% if strftime_now is defined %}{{ strftime_now("%Y-%m-%d") }}{% endif %}"""
    with_clock.chat_template = lead + call + CHATML.template
    without.chat_template = lead + "2026-02-03" + CHATML.template
    first, second = (ChatRenderer(each, moment) for each in (with_clock, without))
    assert first.uses_clock
    assert not second.uses_clock
    assert first.render(CHAT) == second.render(CHAT)


@pytest.mark.parametrize("role", ["developer", "function"])
def test_a_rare_role_is_taken_where_the_template_writes_it_and_refused_where_it_does_not(role):
    messages = [
        {"role": role, "content": "Be terse."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]
    moment = datetime(2026, 1, 1)
    assert "Be terse." in ChatRenderer(byte_level(CHATML), moment).render(messages)
    selective = (
        "{% for m in messages if m.role in ('user', 'assistant') %}{{ m.content }}{% endfor %}"
    )
    other = replace(CHATML, template=selective)
    with pytest.raises(RefusalError, match=f'role "{role}" are left out'):
        ChatRenderer(byte_level(other), moment).render(messages)
