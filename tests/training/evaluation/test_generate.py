import pytest
import torch
from transformers import GenerationConfig

from ft_runtime.evaluation.batches import by_length, pad
from ft_runtime.evaluation.generate import greedy_answers


class Numbers:
    """A tokenizer whose text is the token ids."""

    pad_token_id = 0

    def decode(self, ids, skip_special_tokens=False, clean_up_tokenization_spaces=None):
        return " ".join(str(i) for i in ids if not (skip_special_tokens and i < 3))


PROMPTS = [[1, 5, 9], [1, 7], [1, 5, 9, 11, 30, 31, 8], [1, 60]]


def by_hand(model, prompt, limit, ends):
    ids = list(prompt)
    for _ in range(limit):
        with torch.no_grad():
            token = int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
        ids.append(token)
        if token in ends:
            break
    return ids[len(prompt) :]


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_answers_are_the_argmax_of_every_step(small_lm, batch_size):
    answers = greedy_answers(small_lm, Numbers(), PROMPTS, 6, batch_size, [2])
    for prompt, answer in zip(PROMPTS, answers, strict=True):
        expected = by_hand(small_lm, prompt, 6, {2})
        assert answer.text == " ".join(str(t) for t in expected if t > 2)
        assert answer.tokens == len(expected)
        assert answer.hit_limit == (expected[-1] != 2)


def test_every_end_token_ends_an_answer_and_is_not_part_of_it(small_lm):
    first = by_hand(small_lm, PROMPTS[0], 6, set())
    end = first[2]
    answer = greedy_answers(small_lm, Numbers(), PROMPTS[:1], 6, 1, [2, end])[0]
    kept = first[: first.index(end)]
    assert answer.text == " ".join(map(str, kept))
    assert answer.tokens == len(kept) + 1
    assert not answer.hit_limit


def test_the_models_own_generation_config_has_no_say_and_comes_back(small_lm):
    plain = greedy_answers(small_lm, Numbers(), PROMPTS, 6, 2, [2])
    kept = small_lm.generation_config
    own = GenerationConfig(
        do_sample=True,
        temperature=5.0,
        top_k=3,
        repetition_penalty=9.0,
        no_repeat_ngram_size=1,
        max_length=4,
        min_new_tokens=6,
        forced_eos_token_id=2,
        num_beams=4,
        suppress_tokens=[5, 6, 7],
        eos_token_id=50,
    )
    small_lm.generation_config = own
    try:
        assert greedy_answers(small_lm, Numbers(), PROMPTS, 6, 2, [2]) == plain
        assert small_lm.generation_config is own
    finally:
        small_lm.generation_config = kept


def test_the_longest_rows_come_first_and_ties_keep_their_order():
    assert by_length([1, 5, 5, 2, 9], 2) == [[4, 1], [2, 3], [0]]
    assert by_length([], 3) == []


def test_padding_goes_to_the_side_that_is_asked_for():
    ids, mask = pad([[1, 2, 3], [4]], 0, "left", "cpu")
    assert ids.tolist() == [[1, 2, 3], [0, 0, 4]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]
    ids, mask = pad([[1, 2, 3], [4]], -100, "right", "cpu")
    assert ids.tolist() == [[1, 2, 3], [4, -100, -100]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
