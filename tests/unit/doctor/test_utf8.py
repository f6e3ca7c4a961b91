"""Counting the characters of many strings at once says what Python's decoder says."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.doctor import utf8
from ft_runtime.doctor.utf8 import characters

# First, middle and last of each kind of byte that the rules for UTF-8 name.
edges = st.lists(
    st.sampled_from(bytes.fromhex("00417f808f909fa0bfc0c1c2dfe0e1ecedeeeff0f1f3f4f5ff")), max_size=6
).map(bytes)
sound = st.text(st.sampled_from("aé߿ࠀ퟿￿\U00010000\U0010ffff日"), max_size=6).map(str.encode)


def by_python(span: bytes) -> int:
    try:
        return len(span.decode())
    except UnicodeDecodeError:
        return -1


def count(spans: list[bytes]) -> list[int]:
    return characters(spans, np.array([len(span) for span in spans], np.int64)).tolist()


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(edges, sound, st.builds(lambda a, b: a + b, sound, edges)), min_size=1))
def test_characters_are_those_of_the_decoder(spans):
    assert count(spans) == [by_python(span) for span in spans]


def test_every_pair_of_bytes_before_two_that_continue():
    for first in range(0x80, 0x100):
        spans = [bytes([first, second]) + b"\x80\x80" for second in range(256)]
        spans += [span[:k] for span in spans[::16] for k in (1, 2, 3)]
        assert [count([span])[0] for span in spans] == [by_python(span) for span in spans]


def test_batches_do_not_change_the_counts(monkeypatch):
    spans = [("é" * n + "x").encode() for n in range(60)] + [b"\xff"]
    whole = count(spans)
    monkeypatch.setattr(utf8, "_BATCH", 64)
    assert count(spans) == whole == [*range(1, 61), -1]
