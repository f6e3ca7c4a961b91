from __future__ import annotations

from ft_runtime.tokens.ledger import Entry, Ledger
from ft_runtime.tokens.limits import too_many_lost


def ledger(*states: str, code: str = "tokens.lost_end") -> Ledger:
    entries = [
        Entry(number, "a", number, "train", state, code="" if state == "whole" else code)
        for number, state in enumerate(states, 1)
    ]
    return Ledger(entries, len(entries))


def test_as_many_as_allowed_is_not_too_many():
    rows = ledger("whole", "whole", "whole", "lost_end")
    assert too_many_lost(rows, {4: [(3, 90)]}, 0.25, 10) is None


def test_the_remedy_is_the_length_at_which_few_enough_rows_are_lost():
    rows = ledger("whole", "lost_end", "lost_end", "lost_end")
    turns = {1: [(2, 9)], 2: [(3, 40)], 3: [(3, 30)], 4: [(3, 50)]}
    stop = too_many_lost(rows, turns, 0.25, 10)
    assert stop is not None
    assert stop.severity == "error"
    assert "3 of 4 rows (75.0 %)" in stop.message
    assert "tokens.lost_end 3" in stop.message
    assert "hyperparams.max_seq_len to 40" in stop.hint
    stop = too_many_lost(rows, turns, 0.0, 10)
    assert stop is not None
    assert "hyperparams.max_seq_len to 50" in stop.hint


def test_rows_lost_for_other_reasons_leave_less_to_give_up():
    entries = [
        Entry(1, "a", 1, "train", "lost_end", code="tokens.lost_end"),
        Entry(2, "a", 2, "train", "dropped", code="data.empty_field"),
        Entry(3, "a", 3, "train", "whole"),
    ]
    stop = too_many_lost(Ledger(entries, 3), {1: [(3, 40)], 3: [(3, 8)]}, 0.34, 10)
    assert stop is not None
    assert "hyperparams.max_seq_len to 40" in stop.hint
    stop = too_many_lost(Ledger(entries, 3), {1: [(3, 40)], 3: [(3, 8)]}, 0.2, 10)
    assert stop is not None
    assert "does not help" in stop.hint


def test_a_length_beyond_the_model_is_not_advised():
    rows = ledger("whole", "lost_end")
    stop = too_many_lost(rows, {1: [(1, 5)], 2: [(3, 900)]}, 0.0, 512, ceiling=512)
    assert stop is not None
    assert "need 900 tokens" in stop.hint
    assert "takes 512" in stop.hint
