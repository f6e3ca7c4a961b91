"""Masks against the oracles of the dialects: what is learned, character by character."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ft_runtime.tokens.encode import Encoded, Encoder
from ft_runtime.tokens.mask import MaskError, Rendered, TurnFinder
from ft_runtime.tokens.specials import specials_of
from ft_runtime.tokens.template import ChatRenderer
from support.tokens.dialects import (
    CHATML,
    DIALECTS,
    EOSLESS,
    GEMMA,
    HARMONY,
    INST,
    MISTRAL,
    PHI,
    SEEK,
    THINKING,
    TRIMMING,
    Dialect,
    learned_of,
    text_of,
)
from support.tokens.tokenizers import byte_level, metaspace

NEW_YEAR = datetime(2026, 1, 1)
# Text that looks like the markers of some template, and text that templates and encoders trip over.
NASTY = (
    "<|im_end|>", "<|im_start|>assistant\n", "[/INST]", "[INST]", "</s>", "<s>", "<|end|>\n",
    "<|eot_id|>", "<end_of_turn>\n", "<｜end｜>", "<|return|>", "<|stop|>", "<think>", "</think>",
    "<think>\nhm\n</think>\n\n", "### Assistant:\n", "ASSISTANT:", "USER: ", "<<SYS>>", "assistant",
    "{{ m.content }}", "{% raw %}", "\u2028", "\u2029", "\x85", "\x0b", "\xa0", "\r\n", "\n", "\n\n",
    " ", "  ", "\t", "🎉", "👩🏽‍🚀", "é", "e\u0301", "\u202e", "\ufeff", "日本語", "\ue0d50\ue0d6", "\U000f0000", "a", "0",
)  # fmt: skip
content = st.lists(st.sampled_from(NASTY) | st.text(max_size=4), max_size=5).map("".join)
quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def finder(tokenizer: Any) -> TurnFinder:
    return TurnFinder(ChatRenderer(tokenizer, NEW_YEAR), specials_of(tokenizer))


def messages_of(*contents: str, system: str | None = None) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    found = [{"role": roles[i % 2], "content": text} for i, text in enumerate(contents)]
    return ([{"role": "system", "content": system}] if system is not None else []) + found


@st.composite
def conversations(draw, dialect: Dialect) -> list[dict[str, str]]:
    contents = [draw(content) for _ in range(2 * draw(st.integers(1, 3)))]
    system = draw(st.none() | content) if dialect.system else None
    return messages_of(*contents, system=system)


def learned_text(rendered: Rendered, eos: str) -> list[str]:
    found = [rendered.text[turn.start : turn.end] for turn in rendered.turns]
    return [*found[:-1], found[-1] + eos] if rendered.append_end else found


def encoded(tokenizer: Any, rendered: Rendered) -> Encoded:
    return next(Encoder(tokenizer, specials_of(tokenizer).ids).encode([rendered]))


def decoded(tokenizer: Any, ids: list[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def learned_tokens(tokenizer: Any, row: Encoded) -> list[str]:
    """What the supervised tokens say where they stand (a decoder drops a space at the start)."""
    return [
        decoded(tokenizer, row.ids[:stop])[len(decoded(tokenizer, row.ids[:start])) :]
        for start, stop in row.turns
    ]


@pytest.mark.parametrize("dialect", DIALECTS, ids=repr)
def test_what_is_learned_is_what_the_format_says(dialect: Dialect):
    """Any content, also such that looks like the markers of the template itself."""
    tokenizer = byte_level(dialect)
    look = finder(tokenizer)

    @quick
    @given(conversations(dialect))
    def check(messages: list[dict[str, str]]) -> None:
        pieces = dialect.oracle(messages)
        rendered = look.find(messages)
        assert rendered.text + dialect.eos * rendered.append_end == text_of(pieces)
        assert learned_text(rendered, dialect.eos) == learned_of(pieces)
        row = encoded(tokenizer, rendered)
        assert not row.blurred
        if dialect.swallows:
            # Its control tokens take white space behind them along; all else must be there.
            said = ["".join(text.split()) for text in learned_of(pieces)]
            assert ["".join(text.split()) for text in learned_tokens(tokenizer, row)] == said
        else:
            assert learned_tokens(tokenizer, row) == learned_of(pieces)
            assert decoded(tokenizer, row.ids) == text_of(pieces)

    check()


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if d is not EOSLESS], ids=repr)
def test_every_answer_ends_in_an_end_token(dialect: Dialect):
    tokenizer = byte_level(dialect)
    rendered = finder(tokenizer).find(messages_of("hello", "world", "what", "Paris"))
    assert not rendered.append_end
    assert all(turn.closed for turn in rendered.turns)
    row = encoded(tokenizer, rendered)
    for _, stop in row.turns:
        assert tokenizer.convert_ids_to_tokens(row.ids[stop - 1]) in dialect.specials


@pytest.mark.parametrize("kind", [byte_level, metaspace])
@pytest.mark.parametrize("dialect", DIALECTS, ids=repr)
def test_both_kinds_of_tokenizer_learn_the_same_words(dialect: Dialect, kind: Any):
    tokenizer = kind(dialect)
    messages = messages_of("hello", "the quick brown fox", "what is it", "Paris")
    row = encoded(tokenizer, finder(tokenizer).find(messages))
    assert not row.blurred
    assert learned_tokens(tokenizer, row) == learned_of(dialect.oracle(messages))


@pytest.mark.parametrize("dialect", DIALECTS, ids=repr)
def test_following_turn_by_turn_finds_what_the_shape_finds(dialect: Dialect):
    """The second way must agree with the first wherever the first one works."""
    tokenizer = byte_level(dialect)
    look = finder(tokenizer)
    for messages in (
        messages_of(
            " hello ", "world\n", "what", "\n Paris", system="terse" if dialect.system else None
        ),
        messages_of("hello", "world"),
    ):
        full = look._renderer.render(messages)
        answers = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
        assert look._by_shape(messages, full) == look._by_following(messages, full, answers)


@pytest.mark.parametrize("dialect", DIALECTS, ids=repr)
def test_training_continues_the_prompt_of_inference(dialect: Dialect):
    """The tokens before the answer are the tokens that generation is given."""
    tokenizer = byte_level(dialect)
    look = finder(tokenizer)

    @quick
    @given(content, content)
    def check(question: str, answer: str) -> None:
        messages = messages_of(question, answer)
        rendered = look.find(messages)
        prompt = tokenizer.apply_chat_template(
            messages[:-1], add_generation_prompt=True, tokenize=False
        )
        assert rendered.prompt == prompt
        if dialect is SEEK:  # its prompt is not how the answer is written later
            return
        row = encoded(tokenizer, rendered)
        wanted = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        assert row.ids[: row.turns[0][0]] == wanted

    check()


def test_a_thought_is_learned_where_it_is_shown_and_told_where_it_is_not():
    tokenizer = byte_level(THINKING)
    thought = "<think>\nhm\n</think>\n\nworld"
    rendered = finder(tokenizer).find(messages_of("hello", thought, "what", thought))
    assert learned_text(rendered, "") == ["world<|im_end|>", thought + "<|im_end|>"]
    assert rendered.rewritten
    assert not finder(tokenizer).find(messages_of("hello", thought)).rewritten


def test_a_system_message_that_the_template_leaves_out_is_told():
    template = CHATML.template.replace(
        "{% for m in messages %}", "{% for m in messages if m.role != 'system' %}"
    )
    tokenizer = _with(CHATML, template)
    rendered = finder(tokenizer).find(messages_of("hello", "world", system="terse"))
    assert rendered.rewritten
    assert learned_text(rendered, "") == ["world<|im_end|>"]


def test_the_end_of_an_earlier_turn_may_be_another_token():
    tokenizer = byte_level(HARMONY)
    rendered = finder(tokenizer).find(messages_of("hello", "world", "what", "Paris"))
    assert [text.rpartition("<|message|>")[2] for text in learned_text(rendered, "")] == [
        "world<|end|>",
        "Paris<|return|>",
    ]


def test_an_end_written_only_behind_the_whole_conversation_leaves_earlier_answers_open():
    tokenizer = _with(
        EOSLESS,
        "{% for m in messages %}{{ m.role | upper }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT:{% else %}{{ eos_token }}{% endif %}",
    )
    rendered = finder(tokenizer).find(messages_of("hello", "world", "what", "Paris"))
    assert [turn.closed for turn in rendered.turns] == [False, True]
    assert rendered.open_turns == 1
    assert learned_text(rendered, "")[-1] == " Paris\n</s>"


def test_a_template_without_an_end_token_gets_one_at_the_end():
    tokenizer = byte_level(EOSLESS)
    rendered = finder(tokenizer).find(messages_of("hello", "world"))
    assert rendered.append_end
    row = encoded(tokenizer, rendered)
    assert row.ids[-1] == tokenizer.eos_token_id
    assert row.turns[-1][1] == len(row.ids)
    assert tokenizer.eos_token_id not in row.ids[:-1]


def test_the_header_of_the_next_turn_is_not_the_end_of_an_answer():
    tokenizer = _with(
        TRIMMING,
        "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content }}{% endfor %}"
        "{{ '<|assistant|>' if add_generation_prompt else eos_token }}",
    )
    messages = messages_of("hello", "world", "what", "Paris")
    for named in (messages, [{**message, "name": "x"} for message in messages]):
        rendered = finder(tokenizer).find(named)
        assert learned_text(rendered, "") == ["world", "Paris<|stop|>"]
        assert rendered.open_turns == 1


@pytest.mark.parametrize("extra", [{}, {"name": "x"}], ids=["by shape", "by following"])
def test_a_template_that_shows_only_finished_exchanges_does_not_make_the_question_an_answer(extra):
    tokenizer = _with(
        CHATML,
        "<|im_start|>{% for m in messages %}{% if m.role == 'assistant' %}"
        "Q: {{ messages[loop.index0 - 1].content }} A: {{ m.content }}<|im_end|>"
        "{% endif %}{% endfor %}",
    )
    messages = [{**message, **extra} for message in messages_of("hello", "world", "what", "Paris")]
    rendered = finder(tokenizer).find(messages)
    assert learned_text(rendered, "") == ["world<|im_end|>", "Paris<|im_end|>"]


def test_a_template_without_a_generation_prompt_leaves_the_header_to_the_model():
    """Inference shows nothing behind the question there, so the header is what must be learned."""
    tokenizer = _with(CHATML, CHATML.template.split("{% if add_generation_prompt")[0])
    rendered = finder(tokenizer).find(messages_of("hello", "world"))
    assert learned_text(rendered, "") == ["<|im_start|>assistant\nworld<|im_end|>"]


def test_generation_markers_of_a_template_change_nothing():
    template = CHATML.template.replace(
        "{{ m.content }}<|im_end|>",
        "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}"
        "{% else %}{{ m.content }}<|im_end|>{% endif %}",
    )
    rendered = finder(_with(CHATML, template)).find(messages_of("hello", "world"))
    assert learned_text(rendered, "") == ["world<|im_end|>"]


def test_what_a_template_refuses_is_told_in_its_words():
    with pytest.raises(MaskError, match="System role not supported") as caught:
        finder(byte_level(GEMMA)).find(messages_of("hello", "world", system="terse"))
    assert caught.value.code == "tokens.template_refused"
    for dialect in (INST, MISTRAL):
        two = [*messages_of("hello"), *messages_of("again", "world")]
        with pytest.raises(MaskError, match=r"(?i)roles must"):
            finder(byte_level(dialect)).find(two)


def test_a_template_that_breaks_on_a_row_refuses_it():
    with pytest.raises(MaskError, match="no attribute") as caught:
        finder(_with(CHATML, "{{ messages[0].content.no.such.thing }}")).find(
            messages_of("hello", "world")
        )
    assert caught.value.code == "tokens.template_refused"


def test_a_conversation_without_an_answer_is_refused():
    with pytest.raises(MaskError) as caught:
        finder(byte_level(CHATML)).find(messages_of("hello"))
    assert caught.value.code == "tokens.no_answer"


def test_a_template_that_scrambles_answers_is_refused():
    """Here no way gives the place of an answer: better no row than a wrong mask."""
    tokenizer = _with(
        CHATML,
        "{% for m in messages %}{{ m.content | length }}{{ m.content | reverse }}<|im_end|>"
        "{% endfor %}",
    )
    with pytest.raises(MaskError) as caught:
        finder(tokenizer).find(messages_of("hello", "world"))
    assert caught.value.code == "tokens.mask_not_exact"
    assert caught.value.detail == "messages[1]"


CALL = {"type": "function", "function": {"name": "find", "arguments": {"q": "x"}}}
CALLING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}"
    "{% for c in m.tool_calls or [] %}<|im_start|>call {{ c.function.name }}<|im_end|>{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def test_a_turn_that_calls_a_tool_is_learned_with_its_call():
    tokenizer = _with(CHATML, CALLING)
    messages = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "42"},
        {"role": "assistant", "content": "it is 42"},
    ]
    rendered = finder(tokenizer).find(messages)
    assert learned_text(rendered, "") == [
        "<|im_start|>call find<|im_end|><|im_end|>",
        "it is 42<|im_end|>",
    ]
    assert not rendered.rewritten


def test_trimming_is_learned_and_still_checked_for_every_row():
    """A row that trims and one that does not, in turn: what worked last is only tried first."""
    look = finder(byte_level(TRIMMING))
    for text in ("\n\nParis\n", "Paris", " Paris ", "\n \nParis\n \n"):
        rendered = look.find(messages_of("hello", text))
        assert learned_text(rendered, "") == [text.strip("\n") + "<|stop|>"]


def test_an_end_token_may_take_the_line_break_behind_it_along():
    tokenizer = byte_level(PHI)
    row = encoded(tokenizer, finder(tokenizer).find(messages_of("hello", "world")))
    tokens = tokenizer.convert_ids_to_tokens(row.ids)
    start, stop = row.turns[0]
    assert tokens[stop - 1] == "<|end|>"
    assert decoded(tokenizer, row.ids[start:stop]) == "world<|end|>"


def _with(dialect: Dialect, template: str) -> Any:
    """A tokenizer of a dialect with another template; the shared one stays as it is."""
    import copy

    tokenizer = copy.deepcopy(byte_level(dialect))
    tokenizer.chat_template = template
    return tokenizer
