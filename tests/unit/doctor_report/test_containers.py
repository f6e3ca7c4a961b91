"""Every container gives the same rows, with numbers that are right in the source."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.doctor.containers import array, plain, unpack
from ft_runtime.doctor.containers.table import write_lines as converted_lines
from ft_runtime.doctor.containers.zstd import cut_short
from ft_runtime.doctor.examine import SplitPlan, examine
from ft_runtime.doctor.report import to_html, to_text
from ft_runtime.findings import FindingsError
from support.small_data import ROWS, jsonl, packed, table


def codes(report):
    return {item.code for item in report.findings}


@pytest.fixture
def plain_print(tmp_path):
    return examine(str(jsonl(tmp_path / "plain.jsonl", ROWS))).fingerprint


def test_text_containers_hold_the_same_rows(tmp_path, plain_print):
    array_path = tmp_path / "a.json"
    array_path.write_text(json.dumps(ROWS, indent=2))
    base = tmp_path / "plain.jsonl"
    sources = [
        array_path,
        table(tmp_path / "a.csv", ROWS),
        table(tmp_path / "a.tsv", ROWS, "\t"),
        packed(tmp_path / "a.jsonl.gz", base),
        packed(tmp_path / "a.json.gz", array_path),
        packed(tmp_path / "a.csv.gz", tmp_path / "a.csv"),
    ]
    assert {examine(str(path)).fingerprint for path in sources} == {plain_print}


def test_an_array_names_the_physical_line_of_each_row(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([*ROWS[:3], {"text": "", "label": "a"}, ROWS[0]], indent=1))
    lines = path.read_text().split("\n")
    expected = next(i for i, line in enumerate(lines, 1) if '"text": ""' in line) - 1
    report = examine(str(path))
    (place,) = (item.where for item in report.findings if item.code == "data.empty_field")
    assert place == f"{path}:{expected} text"
    (repeat,) = (item for item in report.findings if item.code == "data.duplicate_rows")
    assert f"2 = {expected + 4}" in repeat.message


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), min_size=1),
    st.sampled_from([None, 0, 3]),
    st.integers(1, 64),
)
def test_elements_come_back_whatever_the_pieces(tmp_path_factory, values, indent, chunk):
    folder = tmp_path_factory.mktemp("array")
    path, out = folder / "a.json", folder / "out.jsonl"
    path.write_text(json.dumps(values, indent=indent, ensure_ascii=False, sort_keys=True), "utf-8")
    before, array._CHUNK = array._CHUNK, chunk
    try:
        with open(out, "wb") as stream:
            numbers, _ = array.write_lines(path, stream, "a.json")
    finally:
        array._CHUNK = before
    made = out.read_bytes().decode("utf-8").split("\n")[:-1]
    assert [json.loads(line) for line in made] == values
    lines = path.read_text("utf-8").split("\n")
    assert all("{" in lines[number - 1] for number in numbers)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | st.text('[]{}",:1 \n\\', max_size=60).map(str.encode))
def test_any_bytes_behind_a_bracket_are_rows_or_a_finding(tmp_path_factory, raw):
    path = tmp_path_factory.mktemp("fuzz") / "a.json"
    path.write_bytes(b"[" + raw)
    report = examine(str(path))
    assert report.files or not report.ok


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[{"a": 1},\n{"a": }]', 2),
        ('[{"a": 1}\n{"a": 2}]', 2),
        ('[{"a": 1},\n]', 2),
        ('[{"a": 1}\n] 2', 2),
    ],
)
def test_a_broken_array_is_one_finding_with_its_line(tmp_path, text, line):
    path = tmp_path / "a.json"
    path.write_text(text)
    (found,) = (i for i in examine(str(path)).findings if i.code == "data.broken_array")
    assert found.where == f"{path}:{line}"


def test_a_cut_archive_and_a_bomb_are_findings(tmp_path, monkeypatch):
    whole = packed(tmp_path / "a.jsonl.gz", jsonl(tmp_path / "a.jsonl", ROWS))
    whole.write_bytes(whole.read_bytes()[:-12])
    assert "data.broken_archive" in codes(examine(str(whole)))
    monkeypatch.setattr(unpack, "LIMIT", 1000)
    bomb = tmp_path / "b.jsonl.gz"
    bomb.write_bytes(gzip.compress(b" " * 100_000))
    assert "data.unpacks_too_large" in codes(examine(str(bomb)))


def test_no_copy_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = packed(tmp_path / "a.jsonl.gz", jsonl(tmp_path / "a.jsonl", ROWS))
    with plain(str(source)) as opened:
        assert opened.path.exists()
        assert opened.temporary
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "a.jsonl.gz"]


def test_only_what_is_unpacked_needs_room_for_temporary_files(tmp_path, monkeypatch):
    path = jsonl(tmp_path / "a.jsonl", ROWS)
    packed(tmp_path / "a.jsonl.gz", path)
    (tmp_path / "a.json").write_text(json.dumps(ROWS))

    def nowhere(*_args, **_options):
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.TemporaryDirectory", nowhere)
    assert examine(path).ok
    for name in ("a.jsonl.gz", "a.json"):
        report = examine(tmp_path / name)
        assert [each.code for each in report.groups] == ["data.cannot_unpack"]
    assert [each.code for each in examine(ROWS).groups] == ["data.cannot_unpack"]


def test_a_full_disk_while_unpacking_is_a_finding(tmp_path, monkeypatch):
    source = packed(tmp_path / "a.jsonl.gz", jsonl(tmp_path / "a.jsonl", ROWS))

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unpack, "unpack", full)
    with pytest.raises(FindingsError, match="No space left"), plain(str(source)):
        pass


@pytest.mark.parametrize("kind", ["folder", "pipe", "dangling", "missing"])
def test_what_is_no_file_is_a_finding_at_once(tmp_path, kind):
    path = tmp_path / "x.jsonl"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    report = examine(str(path))
    assert not report.ok
    assert report.files == []


@pytest.mark.parametrize("form", [None, "jsonl_prompt"])
def test_a_table_of_prompts_is_read_with_its_lines(tmp_path, form):
    path = tmp_path / "a.csv"
    path.write_text(
        'prompt,completion\n"two\nlines",a\nq,,\nq,\n"open,b\nq,b\n\nsay "x",c\nlast,d\n'
    )
    report = examine(str(path), form)
    (scan,) = report.files
    assert (scan.format, scan.container) == ("jsonl_prompt", "csv")
    assert (scan.rows, scan.fine) == (8, 2)
    lines = {code: [line for line, _ in kept] for code, kept in scan.log.kept.items()}
    assert lines == {
        "ragged_row": [4],
        "empty_field": [5],
        "unbalanced_quote": [6],
        "inside_quote": [7, 8, 9],
    }


def test_a_table_of_labels_keeps_its_fast_way(tmp_path):
    with plain(str(table(tmp_path / "a.csv", ROWS))) as opened:
        assert not opened.temporary


HEADS = st.sampled_from(
    [b"", b"[", b"{", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff\x10\0\0\0", b"\x1f\x8b\x08\0",
     b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04", b"prompt,completion\n",
     b"text\tlabel\n", b'{"prompt": "a", "completion": "b"}\n', b'[{"text": "a", "label": "b"},']
)  # fmt: skip
ENDINGS = st.sampled_from([".jsonl", ".json", ".csv", ".tsv", ".parquet", ".gz", ".json.gz", ""])


@settings(max_examples=300, deadline=None)
@given(HEADS, st.binary(max_size=200) | st.text(max_size=80).map(str.encode), ENDINGS)
def test_any_file_gives_a_report_and_every_row_is_counted(tmp_path_factory, head, tail, ending):
    path = tmp_path_factory.mktemp("any") / f"a{ending}"
    path.write_bytes(head + tail)
    report = examine(str(path), split=SplitPlan("tail"))
    for scan in report.files:
        assert scan.fine + scan.broken == scan.rows
    assert report.files or not report.ok
    json.dumps(report.to_dict())
    to_html(report).encode("utf-8")
    assert len(to_text(report).split("\n")) < 60


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=12), st.text(max_size=12)).filter(
            lambda pair: all("\0" not in cell for cell in pair)
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([",", ";", "\t"]),
)
def test_records_of_a_table_start_where_they_are_said_to(tmp_path_factory, pairs, delimiter):
    folder = tmp_path_factory.mktemp("table")
    path, out = folder / "a.csv", folder / "out.jsonl"
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["prompt", "completion"])
    starts = []
    for pair in pairs:
        starts.append(text.getvalue().count("\n") + 1)
        writer.writerow(pair)
    path.write_bytes(text.getvalue().encode())
    with open(out, "wb") as stream:
        made = converted_lines(path, stream)
    assert made.numbers.tolist() == starts
    assert made.problems == []
    rows = [tuple(json.loads(line).values()) for line in out.read_text().split("\n")[:-1]]
    assert rows == pairs


def frame(blocks, *, checked=False):
    """Return a zstd frame of raw blocks, as RFC 8878 has it."""
    content = b"".join(blocks)
    raw = b"\x28\xb5\x2f\xfd" + bytes([0xA0 | checked << 2]) + len(content).to_bytes(4, "little")
    for number, block in enumerate(blocks, 1):
        raw += (len(block) << 3 | (number == len(blocks))).to_bytes(3, "little") + block
    return raw + bytes(4 * checked)


@pytest.mark.parametrize("checked", [False, True])
def test_a_zstd_file_says_whether_it_is_whole(tmp_path, checked):
    path = tmp_path / "a.zst"
    one = frame([b"row\n" * 20, b"more\n"], checked=checked)
    for whole in (one, one + one):
        for left in range(1, len(whole) + 1):
            path.write_bytes(whole[:left])
            assert cut_short(path) is (left not in (len(one), len(whole)))
    path.write_bytes(one + b"other bytes")  # the reader tells it
    assert not cut_short(path)


def test_who_cannot_read_zstd_is_told_what_to_type(tmp_path, monkeypatch):
    path = tmp_path / "my rows.jsonl.zst"
    path.write_bytes(frame([b'{"text": "a", "label": "b"}\n']))
    for name in ("compression", "zstandard", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    (told,) = examine(str(path)).findings
    assert told.code == "data.no_zstd"
    assert f"{sys.executable} -m pip install zstandard" in told.hint
    assert "zstd -d 'my rows.jsonl.zst'" in told.hint
