from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ft_runtime.tokens.ledger import COLUMNS, STATES, Entry, Ledger

entry = st.builds(
    Entry,
    row=st.integers(1, 10**6),
    source=st.text(),
    line=st.integers(0, 10**6),
    split=st.sampled_from(["train", "val", "test", ""]),
    state=st.sampled_from(STATES),
    tokens=st.integers(0, 9999),
    supervised_tokens=st.integers(0, 9999),
    tokens_cut=st.integers(0, 9999),
    code=st.sampled_from(["tokens.lost_end", "data.empty_field", "tokens.truncated"]),
    detail=st.text(),
)
ledgers = st.lists(entry, unique_by=lambda item: item.row, max_size=20).map(
    lambda entries: Ledger(entries, len(entries))
)


@given(ledgers)
def test_the_states_add_up_to_the_rows_in_all_and_by_split(ledger):
    assert sum(ledger.counts().values()) == ledger.rows == len(ledger.entries)
    by_split = [ledger.counts(split) for split in ledger.splits()]
    for state in STATES:
        assert sum(counts[state] for counts in by_split) == ledger.counts()[state]
    for name, total in ledger.tokens().items():
        assert sum(ledger.tokens(split)[name] for split in ledger.splits()) == total
    lost = ledger.counts()["dropped"] + ledger.counts()["lost_end"]
    assert sum(ledger.reasons().values()) == lost
    assert ledger.lost_fraction == (lost / ledger.rows if ledger.rows else 0)


@given(ledgers)
def test_the_file_gives_back_every_entry(ledger):
    lines = list(csv.reader(io.StringIO(ledger.to_csv(), newline="")))
    assert tuple(lines[0]) == COLUMNS
    assert COLUMNS == (
        "row", "source", "line", "split", "state",
        "tokens", "supervised_tokens", "tokens_cut", "code", "detail",
    )  # fmt: skip
    read = [
        Entry(int(r), source, int(line), split, state, int(t), int(s), int(c), code, detail)
        for r, source, line, split, state, t, s, c, code, detail in lines[1:]
    ]
    assert read == list(ledger.entries)


def test_the_file_is_written_whole(tmp_path):
    ledger = Ledger([Entry(1, "a.jsonl", 1, "train", "whole", 5, 3)], 1)
    path = ledger.write(tmp_path / "new" / "ledger.csv")
    assert path.read_text(encoding="utf-8").splitlines() == [
        ",".join(COLUMNS),
        "1,a.jsonl,1,train,whole,5,3,0,,",
    ]
    assert [file.name for file in path.parent.iterdir()] == ["ledger.csv"]


def test_a_ledger_that_would_lie_cannot_be_made():
    one = Entry(1, "a", 1, "train", "whole")
    with pytest.raises(ValueError, match="twice"):
        Ledger([one, one], 2)
    with pytest.raises(ValueError, match="the ledger has 1 rows, the dataset 2"):
        Ledger([one], 2)
    with pytest.raises(ValueError, match="unknown states"):
        Ledger([Entry(1, "a", 1, "train", "eaten")], 1)  # type: ignore[arg-type]


def test_both_views_show_totals_and_reasons_and_escape_what_users_wrote():
    ledger = Ledger(
        [
            Entry(1, "a", 1, "train", "whole", 1234, 56, 0),
            Entry(2, "a", 2, "", "dropped", code="data.<b>"),
        ],
        2,
    )
    shown = repr(ledger)
    assert "Ledger of 2 rows" in shown
    assert "1234" in shown
    assert "no split" in shown
    assert "lost: 1 × data.<b>" in shown
    page = ledger._repr_html_()
    assert "<td>1234</td>" in page
    assert "data.&lt;b&gt;" in page
    assert "<b>" not in page
