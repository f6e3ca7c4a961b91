"""What is told at a glance is what a full look tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ft_runtime.data.formats import FORMATS as ALL
from ft_runtime.doctor.blank import BLANK
from ft_runtime.doctor.jsonl.explain import judge
from ft_runtime.doctor.jsonl.glance import glance
from ft_runtime.doctor.jsonl.layout import ROLES, make_layout
from ft_runtime.doctor.jsonl.parse import parse
from ft_runtime.doctor.jsonl.value import Explained
from support.json_lines import FEW, FORMATS, lines

SHOWN = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
TEXTS = st.one_of(SHOWN, st.sampled_from([*sorted(BLANK), None, 1, [], [{"type": "text"}]]))
PARTS = st.lists(st.builds(lambda text: {"type": "text", "text": text}, TEXTS), max_size=3)
ROLE = st.sampled_from([*ROLES, "assistant", "user", "User", None])
TURN = st.one_of(
    st.builds(lambda role, text: {"role": role, "content": text}, ROLE, TEXTS | PARTS),
    st.dictionaries(st.sampled_from(["role", "content", "name", "from"]), TEXTS),
    TEXTS,
)


def same(value: object, form: str, *, risky: bool) -> None:
    layout = make_layout(form)
    if isinstance(value, dict) and glance(layout)(value, risky):
        row = Explained(whole=True, risky=risky)
        judge(value, layout, row)
        assert row.problems == []


@FEW
@given(st.lists(lines(), min_size=1, max_size=12), st.sampled_from(FORMATS))
def test_no_line_of_a_file_is_let_pass_that_has_something_to_say(parts, form):
    for line in parts:
        parsed = parse(line)
        if parsed.whole and not parsed.problems:
            same(parsed.value, form, risky=parsed.risky)


@FEW
@given(st.lists(TURN, max_size=5), st.booleans())
def test_no_conversation_is_let_pass_that_has_something_to_say(turns, extra):
    same({"messages": turns, **({"id": 1} if extra else {})}, "jsonl_chat", risky=False)
    same({"messages": turns}, "jsonl_chat", risky=True)


@FEW
@given(st.data(), st.sampled_from(["jsonl_instr", "jsonl_prompt", "csv_classification"]))
def test_no_texts_are_let_pass_that_have_something_to_say(data, form):
    columns = st.sampled_from(ALL[form].columns)
    same(data.draw(st.dictionaries(columns, TEXTS)), form, risky=True)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("risky", [False, True])
def test_ordinary_rows_pass(form, risky):
    value = {name: f"text of {name}\n" for name in ALL[form].required} | {"id": 7}
    if form == "jsonl_chat":
        turns = [
            ("system", "a"),
            ("user", "b"),
            ("assistant", "c"),
            ("user", "é"),
            ("assistant", [{"type": "text", "text": ""}, {"type": "text", "text": "日"}]),
        ]
        value = {"messages": [{"role": role, "content": text} for role, text in turns]}
    assert glance(make_layout(form))(value, risky) is (form != "jsonl_chat" or not risky)
