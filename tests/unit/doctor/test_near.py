"""Near duplicates: what shares most of its words is found, what does not is left alone."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.doctor.near import SLOTS, near_roots, sign

rng = random.Random(0)
WORDS = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(5000)]


@pytest.fixture(autouse=True)
def _texts_of_its_own():
    """No test sees what another has drawn before it."""
    rng.seed(1)


def text(size: int = 120) -> list[str]:
    return rng.choices(WORDS, k=size)


def edited(words: list[str], share: float) -> list[str]:
    words = list(words)
    for at in rng.sample(range(len(words)), int(len(words) * share)):
        words[at] = rng.choice(WORDS)
    return words


def pairs(words: list[str]) -> set[tuple[str, str]]:
    return set(pairwise(words))


def rows(*texts: list[str]) -> list[bytes]:
    return [" ".join(words).encode() for words in texts]


def test_small_edits_are_found_and_other_texts_are_not():
    base = [text() for _ in range(300)]
    copies = [edited(base[i], 0.05) for i in range(100)]
    found = near_roots(rows(*base, *copies))
    assert found.tolist() == [*range(300), *range(100)]


def test_case_and_punctuation_make_no_difference():
    words = text(30)
    found = near_roots([" ".join(words).encode(), ", ".join(words).upper().encode()])
    assert found.tolist() == [0, 0]


def test_signatures_agree_as_often_as_the_sets_are_alike():
    errors = []
    for share in (0.05, 0.1, 0.2, 0.4):
        for _ in range(20):
            one = text(400)
            two = edited(one, share)
            a, b = sign(rows(one, two))
            alike = len(pairs(one) & pairs(two)) / len(pairs(one) | pairs(two))
            errors.append(float(np.mean(a == b)) - alike)
    # The estimate is unbiased, with a standard deviation of at most 0.5 / sqrt(slots).
    assert abs(np.mean(errors)) < 0.02
    assert np.std(errors) < 0.6 / SLOTS**0.5


def test_texts_without_words_are_like_nothing():
    assert near_roots([b"", b"", b"...", b"!"]).tolist() == [0, 1, 2, 3]
    assert near_roots([]).size == 0


def test_the_order_of_batches_makes_no_difference(monkeypatch):
    texts = rows(*(text(20) for _ in range(50)))
    whole = sign(texts)
    apart = np.concatenate([sign(texts[:7]), sign(texts[7:])])
    assert (whole == apart).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=40).map(lambda t: t.encode("utf-8", "ignore")), max_size=12))
def test_any_text_is_near_itself(texts):
    found = near_roots([*texts, *texts])
    for i, one in enumerate(texts):
        if sign([one]).any():
            assert found[i] == found[i + len(texts)]
