"""Borders between prompt and answer among the tokens, begin and end tokens, slow tokenizers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.tokens import Example, encode_prompt
from ft_runtime.tokens.encode import Encoded, Encoder, frame
from ft_runtime.tokens.mask import Rendered, raw_row
from ft_runtime.tokens.shape import Turn
from ft_runtime.tokens.specials import specials_of
from support.tokens.dialects import CHATML, INST, ZEPHYR
from support.tokens.tokenizers import byte_level, metaspace, word_piece


def encode(tokenizer: Any, row: Rendered) -> Encoded:
    return next(Encoder(tokenizer, specials_of(tokenizer).ids).encode([row]))


def decoded(tokenizer: Any, ids: list[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def with_begin(tokenizer: Any, end: bool = False) -> Any:
    """As Llama: a begin token before a text by default, and an end token behind it if asked."""
    import copy

    from tokenizers import processors

    changed = copy.deepcopy(tokenizer)
    names = [tokenizer.bos_token, *([tokenizer.eos_token] if end else [])]
    changed.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{names[0]} $A" + (f" {names[1]}" if end else ""),
        special_tokens=[(name, tokenizer.convert_tokens_to_ids(name)) for name in names],
    )
    return changed


def whole(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def test_a_token_over_the_border_is_cut_as_inference_cuts_it():
    tokenizer = byte_level(ZEPHYR)
    prompt, answer = "The capital: ", "Paris"
    straddling = whole(tokenizer, prompt + answer)
    assert whole(tokenizer, prompt) != straddling[: len(whole(tokenizer, prompt))]
    row = encode(tokenizer, raw_row(prompt, answer))
    start, stop = row.turns[0]
    assert row.cut
    assert not row.blurred
    assert row.ids[:start] == whole(tokenizer, prompt)
    assert row.ids[start:stop] == [*whole(tokenizer, answer), tokenizer.eos_token_id]


def test_a_border_between_tokens_needs_no_cut():
    tokenizer = byte_level(ZEPHYR)
    row = encode(tokenizer, raw_row("The capital:", " Paris"))
    assert not row.cut
    assert row.ids == [*whole(tokenizer, "The capital: Paris"), tokenizer.eos_token_id]


def test_a_token_over_the_end_of_an_answer_is_cut_too():
    """A template without end tokens may write the next turn close behind an answer."""
    tokenizer = byte_level(ZEPHYR)
    row = encode(tokenizer, Rendered("is the answer", (Turn(2, 9, False),), "", False))
    assert row.cut
    assert decoded(tokenizer, row.ids) == "is the answer"
    assert decoded(tokenizer, row.ids[slice(*row.turns[0])]) == " the an"


@pytest.mark.parametrize("trim", [False, True], ids=["offsets", "trimmed offsets"])
def test_trimmed_offsets_hide_no_straddling_token(trim: bool):
    tokenizer = byte_level(ZEPHYR, trim)
    row = encode(tokenizer, raw_row("The capital: ", "Paris is late"))
    start, stop = row.turns[0]
    assert decoded(tokenizer, row.ids[:start]) == "The capital: "
    assert decoded(tokenizer, row.ids[start:stop]) == "Paris is late</s>"
    # The space belongs to the answer here, and its token begins before what the offsets say.
    row = encode(tokenizer, raw_row("The capital:", " Paris is late"))
    start, stop = row.turns[0]
    assert decoded(tokenizer, row.ids[start:stop]) == " Paris is late</s>"


text = st.text(max_size=12) | st.sampled_from(["  ", "\n\n", " a", "a ", "🎉", "é", "The ", "\r\n"])


@settings(deadline=None, max_examples=150)
@given(text, text.filter(bool), st.booleans())
def test_prompt_and_completion_come_back_exactly(prompt: str, completion: str, trim: bool):
    tokenizer = byte_level(CHATML, trim)
    row = encode(tokenizer, raw_row(prompt, completion))
    start, stop = row.turns[0]
    assert not row.blurred
    assert decoded(tokenizer, row.ids[:start]) == prompt
    assert decoded(tokenizer, row.ids[start:stop]) == completion + "<|im_end|>"
    assert stop == len(row.ids)
    assert row.ids[:start] == whole(tokenizer, prompt)


@pytest.mark.parametrize("scheme", ["first", "always", "never"])
@pytest.mark.parametrize(
    ("prompt", "completion"),
    [("question:", " answer"), ("question: ", "answer"), ("quest", "ion"), ("a\n", "the fox")],
)
def test_no_space_is_added_where_a_sentencepiece_text_is_cut(scheme, prompt, completion):
    tokenizer = metaspace(INST, scheme)
    row = encode(tokenizer, raw_row(prompt, completion))
    start, _ = row.turns[0]
    assert not row.blurred
    expected = decoded(tokenizer, whole(tokenizer, prompt + completion)) + "</s>"
    assert decoded(tokenizer, row.ids) == expected
    before = decoded(tokenizer, row.ids[:start])
    assert expected[len(before) :] == completion + "</s>"


def test_a_token_that_cannot_be_cut_is_not_learned():
    """Whole words alone: half a word is no word of this tokenizer."""
    tokenizer = whole_words("the quick brown fox")
    row = encode(tokenizer, raw_row("the quick br", "own fox"))
    assert row.blurred
    assert decoded(tokenizer, row.ids[slice(*row.turns[0])]) == "fox </s>"


def whole_words(words: str) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["<unk>", "</s>", *words.split()]
    core = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, "<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>", eos_token="</s>")


def test_word_pieces_are_cut_within_a_word():
    tokenizer = word_piece()
    tokenizer.eos_token = "[SEP]"
    row = encode(tokenizer, raw_row("the quick br", "own fox"))
    assert not row.blurred
    assert decoded(tokenizer, row.ids[: row.turns[0][0]]) == "[CLS] the quick br"


def test_begin_and_end_come_once():
    tokenizer = with_begin(byte_level(ZEPHYR))
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    assert frame(tokenizer) == ([begin], [])
    for prompt, completion in (
        ("hello", " world"),
        ("<s>hello", " world"),
        ("hello", " world</s>"),
        ("<s>hello", " world</s>"),
    ):
        row = encode(tokenizer, raw_row(prompt, completion))
        assert row.ids.count(begin) == 1
        assert row.ids[0] == begin
        assert row.ids.count(end) == 1
        assert row.turns == [(row.turns[0][0], len(row.ids))]
        assert decoded(tokenizer, row.ids[slice(*row.turns[0])]) == " world</s>"


def test_an_end_token_that_the_tokenizer_adds_by_itself_is_not_doubled():
    tokenizer = with_begin(byte_level(ZEPHYR), end=True)
    assert frame(tokenizer) == ([tokenizer.bos_token_id], [tokenizer.eos_token_id])
    row = encode(tokenizer, raw_row("hello", " world"))
    assert row.ids.count(tokenizer.eos_token_id) == 1
    prompt = encode_prompt(tokenizer, Example(1, prompt="hello", reference=" world"))
    assert prompt == row.ids[: row.turns[0][0]]


def test_a_rendered_prompt_brings_its_own_control_tokens():
    tokenizer = with_begin(byte_level(ZEPHYR))
    chat = [{"role": "user", "content": "hello"}]
    prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    ids = encode_prompt(tokenizer, Example(1, messages=chat, prompt=prompt))
    assert tokenizer.bos_token_id not in ids
    assert decoded(tokenizer, ids) == prompt


def test_a_classification_row_has_no_prompt():
    with pytest.raises(ValueError, match="no prompt"):
        encode_prompt(byte_level(ZEPHYR), Example(1, text="hello", label="a"))


@settings(deadline=None, max_examples=50)
@given(text, text.filter(bool))
def test_a_tokenizer_without_offsets_is_encoded_in_pieces(prompt: str, completion: str):
    from transformers import ByT5Tokenizer

    tokenizer = ByT5Tokenizer(extra_ids=0)
    assert not tokenizer.is_fast
    row = encode(tokenizer, raw_row(prompt, completion))
    start, stop = row.turns[0]
    assert row.ids[:start] == whole(tokenizer, prompt)
    assert row.ids[start:stop] == [*whole(tokenizer, completion), tokenizer.eos_token_id]


def test_several_turns_in_a_tokenizer_without_offsets():
    from transformers import ByT5Tokenizer

    tokenizer = ByT5Tokenizer(extra_ids=0)
    text = "Q: é A: 🎉</s>Q: b A: c</s>"
    turns = tuple(
        Turn(text.index(said), text.index(said) + len(said), True) for said in (" 🎉</s>", " c</s>")
    )
    row = encode(tokenizer, Rendered(text, turns, "", False))
    assert [decoded(tokenizer, row.ids[a:b]) for a, b in row.turns] == [" 🎉</s>", " c</s>"]


def test_rows_stay_in_order_over_many_batches():
    tokenizer = byte_level(CHATML)
    rows = [raw_row(f"question {number}:", f" {number}") for number in range(1200)]
    found = Encoder(tokenizer, frozenset()).encode(rows)
    for number, row in enumerate(found):
        assert decoded(tokenizer, row.ids) == f"question {number}: {number}<|im_end|>"
