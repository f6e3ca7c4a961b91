"""The fast path, the slow path, any block size and any number of parts say the same."""

from __future__ import annotations

import csv
import hashlib
import io
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ft_runtime.doctor import kernels, scan
from ft_runtime.doctor.jsonl.compiled import reader
from ft_runtime.doctor.jsonl.explain import explain
from ft_runtime.doctor.jsonl.layout import Layout, make_layout
from ft_runtime.doctor.jsonl.plain import accept
from ft_runtime.doctor.jsonl.words import PAD
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.problems import is_error
from support.json_lines import FEW, FORMATS, lines, summary

pytestmark = pytest.mark.usefixtures("tier")


def layout_of(form: str) -> Layout:
    """What `accept` takes, in the tier that is tested."""
    layout = make_layout(form)
    if kernels.wanted(0):
        layout.reader = reader(layout)
        assert layout.reader
    return layout


def block_of(parts: list[bytes]) -> tuple[bytes, int]:
    data = b"".join(part + b"\n" for part in parts)
    return data + bytes(PAD), len(data)


@FEW
@given(st.lists(lines(), min_size=1, max_size=12), st.sampled_from(FORMATS))
def test_what_the_fast_path_accepts_is_fine_and_equal_on_the_slow_path(parts, form):
    block, end = block_of(parts)
    found = accept(block, end, layout_of(form))
    assert found.fine.size == len(parts)
    slow = make_layout(form)
    labels = []
    for i, line in enumerate(parts):
        assert block[found.starts[i] : found.ends[i]] in (line, line[:-1])
        if not found.fine[i]:
            continue
        row = explain(line, slow)
        assert row.problems == []
        assert int(found.content[i]) == row.content
        assert int(found.prompt[i]) == row.prompt
        assert int(found.chars[i]) == row.chars
        labels.append(row.label)
    if form == "csv_classification":
        assert found.labels == labels


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_ordinary_rows_are_taken_by_the_fast_path(form, separators, ascii_only):
    row = {
        "jsonl_chat": {"id": 7, "messages": [{"role": "user", "content": 'é "q" \\ \n日'}, {"role": "assistant", "content": "😀 a"}]},
        "jsonl_instr": {"instruction": "a é", "input": "", "output": "b\n"},
        "jsonl_prompt": {"prompt": "a", "completion": "b", "id": "x"},
        "csv_classification": {"text": "a", "label": "é", "score": 0.5},
    }[form]  # fmt: skip
    block, end = block_of(
        [json.dumps(row, ensure_ascii=ascii_only, separators=separators).encode()]
    )
    assert accept(block, end, layout_of(form)).fine.tolist() == [True]


@FEW
@given(
    st.lists(lines(), min_size=1, max_size=30),
    st.integers(40, 400),
    st.integers(60, 500),
    st.booleans(),
)
def test_blocks_of_any_size_give_the_same_result(tmp_path_factory, parts, block, span, final):
    path = tmp_path_factory.mktemp("blocks") / "a.jsonl"
    path.write_bytes(b"\n".join(parts) + (b"\n" if final else b""))
    whole = scan(path, format="jsonl_chat", workers=1).files[0]
    cut = scan(path, format="jsonl_chat", workers=1, block=block).files[0]
    assert summary(whole) == summary(cut)
    if whole.refused:
        return
    assert whole.fine + whole.broken == whole.rows
    assert whole.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    physical = [*io.BytesIO(path.read_bytes())]
    assert whole.lines == len(physical)
    while not physical[-1].strip(b" \t\r\n"):  # empty lines at the end are no rows
        physical.pop()
    assert whole.rows == len(physical)
    broken = {
        number
        for number, line in enumerate(physical, 1)
        if not explain(line.removesuffix(b"\n").removesuffix(b"\r"), make_layout("jsonl_chat")).fine
    }
    told = {line for code, kept in whole.log.kept.items() if is_error(code) for line, _ in kept}
    assert told == broken
    assert whole.broken == len(broken)


def in_parts(path, monkeypatch, span: int, **options):
    """Scan in several parts, in this process."""
    import ft_runtime.doctor.engine as room

    class Executor:
        def submit(self, run, *arguments):
            class Future:
                def result(self):
                    return run(*arguments)

            return Future()

    class Pool:
        def __enter__(self):
            return Executor()

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(room.pools, "pool", lambda workers: Pool())
    try:
        return scan(path, workers=3, span=span, **options).files[0]
    finally:
        monkeypatch.undo()


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(lines(), min_size=1, max_size=30), span=st.integers(30, 600))
def test_parts_give_the_same_result_as_the_whole_jsonl(tmp_path_factory, parts, span):
    path = tmp_path_factory.mktemp("parts") / "a.jsonl"
    path.write_bytes(b"\n".join(parts) + b"\n")
    whole = scan(path, format="jsonl_chat", workers=1).files[0]
    with pytest.MonkeyPatch.context() as patch:
        cut = in_parts(path, patch, span, format="jsonl_chat")
    assert summary(whole) == summary(cut)


cells = st.one_of(
    st.sampled_from(["a", "b,c", 'say "x"', "new\nline", "é", " ", "", "日本", "x" * 40]),
    st.text(max_size=12),
)
good_records = st.tuples(cells, st.sampled_from(["pos", "neg", "a long label of a class", "é"]))
bad_lines = st.sampled_from([b'a "b" c,pos\n', b'"open,pos\n', b"one\n", b"a,b,c\n", b"\n", b"\xff,pos\n", b'"a"b,pos\n', b'x,"\n', b"a\0,pos\n"])  # fmt: skip


def written(record: tuple[str, str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(record)
    return out.getvalue().encode("utf-8", "replace")


@FEW
@given(
    st.lists(st.one_of(good_records.map(written), bad_lines), min_size=1, max_size=40),
    st.integers(40, 400),
    st.integers(30, 600),
)
def test_csv_in_blocks_and_parts_of_any_size(tmp_path_factory, records, block, span):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(b"text,label\n" + b"".join(records))
    whole = scan(path, workers=1).files[0]
    cut = scan(path, workers=1, block=block).files[0]
    assert summary(whole) == summary(cut)
    with pytest.MonkeyPatch.context() as patch:
        parts = in_parts(path, patch, span)
    assert summary(whole) == summary(parts)
    if not whole.refused:
        assert whole.fine + whole.broken == whole.rows
        assert whole.lines == path.read_bytes().count(b"\n")


@FEW
@given(st.lists(good_records, min_size=1, max_size=30))
def test_sound_csv_is_read_as_the_csv_module_reads_it(tmp_path_factory, records):
    records = [(t.replace("\r", " ").replace("\0", " "), label) for t, label in records]
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with open(path, "w", newline="", encoding="utf-8", errors="replace") as stream:
        csv.writer(stream, lineterminator="\n").writerows([("text", "label"), *records])
    with open(path, newline="", encoding="utf-8") as stream:
        expected = list(csv.DictReader(stream))
    (file,) = scan(path).files
    from ft_runtime.doctor.blank import is_blank

    fine = [row for row in expected if not is_blank(row["text"])]
    assert file.rows == len(records)
    assert file.fine == len(fine)
    labels: dict[str, int] = {}
    for row in fine:
        labels[row["label"]] = labels.get(row["label"], 0) + 1
    assert file.labels == labels
    lengths = sorted(len(row["text"]) for row in fine)
    assert sum(file.histogram.values()) == len(lengths)
    if lengths:
        assert file.lengths.least == lengths[0]
        assert file.lengths.most == lengths[-1]
        assert file.lengths.median == lengths[-(-len(lengths) // 2) - 1]


def test_several_processes_give_what_one_gives(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "a.jsonl"
    with open(path, "wb") as stream:
        for i in range(3000):
            text = "word " * int(rng.integers(1, 40)) + str(i % 2500)
            row = {
                "messages": [
                    {"role": "user", "content": text},
                    {"role": "assistant", "content": "é"},
                ]
            }
            stream.write(b"broken\n" if i % 500 == 7 else json.dumps(row).encode() + b"\n")
    one = scan(path, workers=1).files[0]
    many = scan(path, workers=2, span=100_000).files[0]
    assert summary(one) == summary(many)
    assert one.broken == 6
    assert one.duplicates > 0


def test_the_fingerprint_knows_rows_and_not_their_order_or_spacing(tmp_path):
    rows = [{"prompt": f"é {i}", "completion": "x\n/"} for i in range(50)]
    forms = {
        "plain": "".join(json.dumps(row) + "\n" for row in rows),
        "turned": "".join(json.dumps(row) + "\n" for row in reversed(rows)),
        "compact": "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\r\n" for row in rows),
        "keys": "".join(json.dumps({"completion": r["completion"], "prompt": r["prompt"], "id": 1.5}) + "\n" for r in rows),
        "slashes": "".join(json.dumps(row).replace("/", "\\/") + "\n" for row in rows),
    }  # fmt: skip
    prints = set()
    for name, text in forms.items():
        path = tmp_path / f"{name}.jsonl"
        path.write_text(text, encoding="utf-8", newline="")
        (file,) = scan(path, format="jsonl_prompt").files
        assert file.broken == 0
        prints.add(file.fingerprint)
    assert len(prints) == 1
    path.write_text(forms["plain"] + forms["plain"].splitlines()[0] + "\n", encoding="utf-8")
    assert scan(path, format="jsonl_prompt").files[0].fingerprint not in prints


def test_a_label_is_the_same_however_it_is_escaped(tmp_path):
    path = tmp_path / "a.jsonl"
    labels = ["é", "a/b", 'say "x"', "plain"]
    with open(path, "w", encoding="utf-8", newline="") as stream:
        for i in range(60):
            row = {"text": f"row {i}", "label": labels[i % 4]}
            line = json.dumps(row, ensure_ascii=i % 8 < 4)
            stream.write((line if i % 3 else line.replace("/", "\\/")) + "\n")
    (file,) = scan(path, format="csv_classification").files
    assert file.labels == dict.fromkeys(labels, 15)


def test_parts_add_up_lines():
    one, two = Part(), Part()
    from ft_runtime.doctor.problems import Problem

    one.lines, two.lines = 10, 5
    two.log.add(3, [Problem("blank_line")])
    one.extend(two)
    assert one.lines == 15
    assert one.log.kept["blank_line"][0][0] == 13


def test_a_file_of_broken_rows_that_turns_good_is_read_as_any_other(tmp_path):
    bad = [b'{"messages": []}', b"{", b'{"messages": [], "other": 1}']
    good = [json.dumps({"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": "a"}], "id": i}).encode() for i in range(300)]  # fmt: skip
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(bad * 200 + good + bad * 300 + good) + b"\n")
    whole = scan(path, format="jsonl_chat", workers=1).files[0]
    cut = scan(path, format="jsonl_chat", workers=1, block=500).files[0]
    assert summary(whole) == summary(cut)
    assert whole.broken == 1500
    assert whole.extras == ["id", "other"]


@pytest.mark.parametrize("times", [2, 3, 4, 5, 9, 64, 65, 257])
def test_a_key_repeated_any_number_of_times_is_not_taken(times):
    layout = layout_of("jsonl_prompt")
    rows = [
        json.dumps({"prompt": "a", "completion": "b", f"key{i}": "x"}).encode() for i in range(40)
    ]
    block, end = block_of(rows)
    assert accept(block, end, layout).fine.sum() == 33  # as many further keys as can be told apart
    for i in range(40):
        line = b'{"prompt": "a", "completion": "b"' + b', "key%d": "x"' % i * times + b"}"
        block, end = block_of([line])
        assert not accept(block, end, layout).fine.any()


@pytest.mark.parametrize("block", [100, 10_000])
def test_names_of_a_message_beside_the_conversation_are_columns_not_used(tmp_path, block):
    row = b'{"content": "", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "role": "x"}\n'
    path = tmp_path / "a.jsonl"
    path.write_bytes(row * 3)
    file = scan(path, block=block).files[0]
    assert (file.fine, file.extras) == (3, ["content", "role"])
