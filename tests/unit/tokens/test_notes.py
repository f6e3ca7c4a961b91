from __future__ import annotations

import pytest

from ft_runtime import messages
from ft_runtime.data.rows import Row
from ft_runtime.tokens.notes import Notes, named, why


def row(number: int, line: int = 0) -> Row:
    return Row(number, "chat.jsonl", line, None, {})


def test_rows_with_the_same_fault_share_a_finding_that_names_them():
    notes = Notes()
    for number in (3, 7, 12):
        notes.add("tokens.all_supervised", row(number, line=number + 1))
    (found,) = notes.findings(limit=10)
    assert found.where == "chat.jsonl:4"
    assert "3 row(s)" in found.message
    assert "rows 3, 7, 12" in found.message


def test_a_row_without_a_line_is_named_by_its_number():
    notes = Notes()
    notes.add("tokens.all_supervised", row(3))
    assert notes.findings(limit=10)[0].where == "chat.jsonl row 3"


def test_many_rows_are_counted_and_the_first_named():
    assert named(range(1, 9)) == "1, 2, 3, 4, 5, 6, 7, 8"
    assert named(range(1, 12)) == "1, 2, 3, 4, 5, 6, 7, 8 and 3 more"


def test_words_of_a_template_that_differ_for_every_row_do_not_flood():
    notes = Notes()
    for number in range(1, 50):
        notes.add("tokens.template_refused", row(number), f"bad row {number}")
    found = notes.findings(limit=10)
    assert len(found) == 6
    assert "bad row 1" in found[0].message
    assert "44 row(s)" in found[-1].message


@pytest.mark.parametrize(
    "code",
    [
        *(c for c, e in messages.room("tokens").items() if "dropped (rows" in e.get("message", "")),
        *("tokens.template_refused", "tokens.cut_away", "tokens.lost_end", "tokens.truncated"),
    ],
)
def test_every_fate_of_a_row_has_its_reason_in_words(code):
    assert why(code, detail="x", tokens=7, limit=5)
