from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ft_runtime.tokens.cut import cut_row, length_that_keeps
from ft_runtime.tokens.prepared import IGNORED


@st.composite
def spans(draw, most: int = 4):
    """Length of a row and its supervised spans, in order and apart."""
    turns, position = [], 0
    for _ in range(draw(st.integers(1, most))):
        start = position + draw(st.integers(1, 6))
        position = start + draw(st.integers(1, 6))
        turns.append((start, position))
    return position + draw(st.integers(0, 3)), turns


def fate(length: int, turns: list[tuple[int, int]], limit: int) -> str:
    """The state by its definition, token by token."""
    if length <= limit:
        return "whole"
    kept = [set(range(start, stop)) & set(range(limit)) for start, stop in turns]
    if not any(kept):
        return "dropped"
    half = any(
        part and len(part) < stop - start for part, (start, stop) in zip(kept, turns, strict=True)
    )
    return "lost_end" if half else "truncated"


@given(spans(), st.integers(1, 60))
def test_every_cut_has_the_state_that_its_tokens_say(row, limit):
    length, turns = row
    ids = list(range(100, 100 + length))
    cut = cut_row(ids, turns, limit)
    assert cut.state == fate(length, turns, limit)
    assert len(cut.ids) + cut.tokens_cut == length
    assert len(cut.labels) == len(cut.ids)
    supervised = {place for start, stop in turns for place in range(start, stop)}
    for place, (token, label) in enumerate(zip(cut.ids, cut.labels, strict=True)):
        assert token == ids[place]
        assert label == (token if place in supervised else IGNORED)
    assert cut.supervised == len([label for label in cut.labels if label != IGNORED])
    assert bool(cut.code) == (cut.state != "whole")


def test_a_row_with_nothing_to_learn_is_dropped():
    cut = cut_row([5, 6, 7], [(2, 2)], 10)
    assert (cut.state, cut.code, cut.ids) == ("dropped", "tokens.nothing_supervised", [])


def test_a_row_without_a_prompt_is_dropped():
    cut = cut_row([5, 6, 7], [(0, 3)], 10)
    assert (cut.state, cut.code, cut.tokens_cut) == ("dropped", "tokens.all_supervised", 3)


def test_one_token_decides_between_a_whole_answer_and_a_lost_end():
    ids = list(range(12))
    assert cut_row(ids, [(2, 8)], 8).state == "truncated"
    assert cut_row(ids, [(2, 8)], 7).state == "lost_end"
    assert cut_row(ids, [(2, 8)], 2).code == "tokens.cut_away"


def test_an_answer_that_is_gone_whole_leaves_the_others_intact():
    cut = cut_row(list(range(20)), [(2, 5), (10, 18)], 10)
    assert cut.state == "truncated"
    assert cut.supervised == 3


@given(st.lists(spans(), min_size=1, max_size=8), st.integers(0, 30), st.integers(0, 8))
def test_the_length_that_keeps_enough_is_the_smallest_that_does(rows, limit, budget):
    def lost(length: int) -> int:
        return sum(fate(n, turns, length) in ("dropped", "lost_end") for n, turns in rows)

    turns = [turns for _, turns in rows]
    longest = max(stop for spans in turns for _, stop in spans)
    enough = [length for length in range(limit + 1, longest + 1) if lost(length) <= budget]
    found = length_that_keeps(turns, limit, budget)
    if enough and lost(limit) > budget:
        assert found == enough[0]
    else:
        assert found is not None
        assert lost(max(found, limit + 1)) <= budget or lost(limit) <= budget


def test_no_length_helps_when_other_rows_use_up_what_may_be_lost():
    assert length_that_keeps([[(1, 5)]], 2, -1) is None
