"""Lines of JSON, good and damaged, and what a scan says of a file, for the tests of the doctor."""

from __future__ import annotations

import json
from dataclasses import asdict

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FEW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
FORMATS = ("jsonl_chat", "jsonl_instr", "jsonl_prompt", "csv_classification")

texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", " ", "\u200b", "a\\b", 'say "hi"', "\n\\\n", "é", "日本", "😀", "\x00", "\ud83d", "\\", "/", "\\u"]),
)  # fmt: skip
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
roles = st.sampled_from(["system", "user", "assistant", "tool", "User", "x", ""])
part = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
    st.dictionaries(st.sampled_from(["type", "text", "image_url"]), texts, max_size=3),
)
message = st.one_of(
    st.fixed_dictionaries({"role": roles, "content": st.lists(part, max_size=3)}),
    st.fixed_dictionaries({"role": roles, "content": texts}),
    st.fixed_dictionaries({"content": texts, "role": roles}),
    st.dictionaries(st.sampled_from(["role", "content", "name", "weight"]), scalars, max_size=3),
)
extras = st.dictionaries(
    st.sampled_from(["id", "source", "weight", "role", "é", "a_very_long_name_of_a_key"]),
    scalars,
    max_size=2,
)
rows = st.one_of(
    st.builds(lambda m, e: {**e, "messages": m}, st.lists(message, max_size=4), extras),
    st.builds(lambda m, e: {"messages": m, **e}, st.lists(message, min_size=1, max_size=4), extras),
    st.dictionaries(
        st.sampled_from(["instruction", "input", "output", "prompt", "completion", "text", "label", "id"]),
        st.one_of(texts, scalars), max_size=5),
    scalars, st.lists(scalars, max_size=2),
)  # fmt: skip
styles = st.sampled_from([(", ", ": "), (",", ":"), (" , ", " : "), (",\t", ":")])


@st.composite
def lines(draw) -> bytes:
    """A line of JSON, often a good one, often damaged a little."""
    row = draw(rows)
    line = json.dumps(row, ensure_ascii=draw(st.booleans()), separators=draw(styles)).encode(
        "utf-8", "surrogatepass"
    )
    for _ in range(draw(st.integers(0, 2)) if draw(st.booleans()) else 0):
        at = draw(st.integers(0, max(len(line) - 1, 0)))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            line = line[:at] + line[at + 1 :]
        elif kind == 1:
            extra = draw(
                st.sampled_from(
                    [
                        b'"',
                        b"\\",
                        b",",
                        b"}",
                        b"{",
                        b"[",
                        b"]",
                        b":",
                        b" ",
                        b"\t",
                        b"\xff",
                        b"\r",
                        b"\0",
                        b"\xc3",
                        b"x",
                    ]
                )
            )
            line = line[:at] + extra + line[at:]
        elif kind == 2:
            line = line + line
        else:
            key = draw(
                st.sampled_from(
                    [b'"content": "z", ', b'"role": "user", ', b'"messages": [], ', b'"text": "", ']
                )
            )
            found = line.find(b"{", at)
            line = line[: found + 1] + key + line[found + 1 :] if found >= 0 else line
    return line.replace(b"\n", b" ")


def summary(file) -> dict:
    plain = file.to_dict()
    plain["kept"] = {
        code: [(line, asdict(p)) for line, p in kept] for code, kept in file.log.kept.items()
    }
    plain["kept_marks"] = {
        code: [(line, asdict(p)) for line, p in kept] for code, kept in file.marks.kept.items()
    }
    return plain
