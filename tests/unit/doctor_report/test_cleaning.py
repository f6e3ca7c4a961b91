"""A repaired copy: what was asked is repaired, all of it is listed, nothing else is touched."""

from __future__ import annotations

import csv
import errno
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ft_runtime.doctor.cleaning import KINDS, fix
from ft_runtime.findings import FindingsError
from support.small_data import ROWS, jsonl


def changes(fixed):
    with open(fixed.changes, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def repaired(tmp_path, raw: bytes, kinds=KINDS, **more):
    source, target = tmp_path / "in.data", tmp_path / "out.data"
    source.write_bytes(raw)
    fixed = fix(source, target, kinds, **more)
    assert source.read_bytes() == raw
    return fixed, target.read_bytes()


def test_every_kind_is_repaired_and_listed(tmp_path):
    raw = (
        b'\xef\xbb\xbf{"text": "a", "label": "x"}\r\n'
        b"\r\n"
        b'{"text": "caf\xe9", "label": " x "}\n'
        b'{"label": "x", "text": "a"}\n'
        b'{"text": cut'
    )
    fixed, made = repaired(tmp_path, raw, labelled=True)
    assert made.decode() == (
        '{"text": "a", "label": "x"}\n{"text": "café", "label": "x"}\n{"text": cut'
    )
    listed = [(int(row["line"]), row["kind"]) for row in changes(fixed)]
    assert listed == [
        (1, "bom"),
        (1, "line_ends"),
        (2, "blank_lines"),
        (3, "encoding"),
        (3, "label_spaces"),
        (4, "duplicates"),
    ]
    assert fixed.counts == dict.fromkeys(KINDS, 1)
    assert (fixed.kept, fixed.dropped) == (3, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_alone_does_only_its_own(tmp_path, kind):
    raw = b'\xef\xbb\xbf{"label": " x", "text": "\xe9"}\r\n\n{"label": "y"}\n{"label": "y"}\n'
    fixed, made = repaired(tmp_path, raw, [kind], labelled=True)
    assert {row["kind"] for row in changes(fixed)} <= {kind}
    assert set(fixed.counts) == {kind}
    if kind != "label_spaces":  # the byte that is not UTF-8 keeps the row from being read
        assert made != raw


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_text_becomes_utf8(tmp_path, encoding):
    text = "".join(
        json.dumps({"text": f"grüße {i} 😀"}, ensure_ascii=False) + "\n" for i in range(9)
    )
    _, made = repaired(tmp_path, text.encode(encoding))
    assert made.decode("utf-8") == text


def test_a_table_keeps_quoted_line_breaks_and_its_header(tmp_path):
    raw = b'text,label\n"a\nb", x\n"a\nb","x"\n\nother,"y"\n"open,z\nlast,y\n'
    fixed, made = repaired(tmp_path, raw, kind="csv", labelled=True)
    assert made == b'text,label\n"a\nb",x\nother,"y"\n"open,z\nlast,y\n'
    assert [(row["line"], row["kind"]) for row in changes(fixed)] == [
        ("2", "label_spaces"),
        ("4", "duplicates"),
        ("6", "blank_lines"),
    ]


def test_nothing_is_overwritten_and_nothing_is_left_of_a_failure(tmp_path, monkeypatch):
    source = jsonl(tmp_path / "a.jsonl", ROWS)
    for taken in ("out.jsonl", "out.jsonl.changes.csv", "a.jsonl"):
        (tmp_path / taken).touch()
        target = tmp_path / ("a.jsonl" if taken == "a.jsonl" else "out.jsonl")
        with pytest.raises(FindingsError, match="would_overwrite"):
            fix(source, target)
        if taken != "a.jsonl":
            (tmp_path / taken).unlink()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FindingsError, match="No space left"):
        fix(source, tmp_path / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


@pytest.mark.parametrize("last", [1, 2])
def test_a_disk_that_fills_at_the_last_moment_leaves_neither_copy_nor_list(
    tmp_path, monkeypatch, last
):
    jsonl(tmp_path / "a.jsonl", ROWS)
    calls, real = [], os.fsync

    def full(handle):
        calls.append(handle)
        if len(calls) == last:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FindingsError, match="cannot_write"):
        fix(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_long_cell_is_repaired_like_any_other(tmp_path):
    long = "x" * 200_000
    (tmp_path / "a.csv").write_text(f"text,label\n{long},a \n{long},a \nshort,b\n")
    done = fix(tmp_path / "a.csv", tmp_path / "b.csv", kind="csv", labelled=True)
    assert done.counts["label_spaces"] == 1  # the other row is left out whole
    assert done.counts["duplicates"] == 1
    assert (tmp_path / "b.csv").read_text() == f"text,label\n{long},a\nshort,b\n"


def test_a_name_that_no_file_can_have_is_a_finding(tmp_path):
    with pytest.raises(FindingsError, match="cannot_write"):
        fix(jsonl(tmp_path / "a.jsonl", ROWS), tmp_path / "b\0c")


def test_an_unknown_kind_is_a_finding(tmp_path):
    with pytest.raises(FindingsError, match="blank_lines"):
        fix(jsonl(tmp_path / "a.jsonl", ROWS), tmp_path / "b.jsonl", ["magic"])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_repaired_without_losing_a_line(tmp_path_factory, raw, table):
    folder = tmp_path_factory.mktemp("fix")
    fixed, made = repaired(folder, raw, kind="csv" if table else "jsonl", labelled=True)
    made.decode("utf-8")
    rows = changes(fixed)
    assert sum(fixed.counts.values()) == len(rows)
    assert sum(row["kind"] in ("blank_lines", "duplicates") for row in rows) == fixed.dropped
    # What a repair wrote needs no repair.
    (folder / "again").mkdir()
    if b"\r" not in raw:
        again, same = repaired(folder / "again", made, kind="csv" if table else "jsonl")
        assert same == made or again.counts["encoding"]
