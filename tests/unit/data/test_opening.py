"""Paths that are no plain readable file, and names that are no plain words."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from ft_runtime.data import check_rows, load_rows
from ft_runtime.doctor import opening
from ft_runtime.doctor.examine import examine
from ft_runtime.doctor.sources import sources_of
from ft_runtime.findings import FindingsError

ROW = '{"prompt": "p", "completion": "c"}\n'


def first(config):
    rows, found = check_rows(config)
    assert rows is None
    return found[0]


def test_a_missing_file_names_the_folder_and_what_is_like_it(tmp_path: Path, write, make_config):
    found = first(make_config(tmp_path / "train.jsonl", "jsonl_prompt"))
    assert (found.code, found.where) == ("data.missing_file", "dataset.path")
    assert str(tmp_path)[-60:] in found.hint  # of a long path its end is shown
    write("trian.jsonl", ROW)
    found = first(make_config(tmp_path / "train.jsonl", "jsonl_prompt"))
    assert found.code == "data.missing_file_near"
    assert "trian.jsonl" in found.hint
    found = first(make_config(tmp_path / "no" / "train.jsonl", "jsonl_prompt"))
    assert found.code == "data.missing_folder"


def test_a_relative_path_starts_from_the_working_folder(write, make_config, monkeypatch):
    path = write("deep/a.jsonl", ROW)
    monkeypatch.chdir(path.parent.parent)
    rows, _ = check_rows(make_config("deep/../deep/a.jsonl", "jsonl_prompt"))
    assert rows.sources[0].name == "a.jsonl"
    assert Path(rows.sources[0].path).is_absolute()


@pytest.mark.parametrize(
    "path", ["http://x/a.jsonl", "HTTPS://x/a.jsonl", "file:///a.jsonl", "s3://b/a", "hf://d/a"]
)
def test_an_address_is_no_path(path, make_config):
    assert first(make_config(path, "jsonl_prompt")).code == "data.url_path"


def test_special_files_are_refused_without_waiting(tmp_path: Path, make_config):
    fifo = tmp_path / "fifo.jsonl"
    os.mkfifo(fifo)
    said = {str(tmp_path): "folder", str(fifo): "pipe", "/dev/zero": "device"}
    for path, kind in said.items():
        found = first(make_config(path, "jsonl_prompt"))
        assert found.code == "data.not_a_file"
        assert kind in found.message


def test_a_socket_is_refused(tmp_path: Path, make_config, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.jsonl")
        assert "socket" in first(make_config("s.jsonl", "jsonl_prompt")).message


def test_a_file_that_becomes_a_pipe_between_look_and_opening_is_refused(
    tmp_path: Path, write, make_config, monkeypatch
):
    path = write("a.jsonl", ROW)
    before = opening._refuse_special

    def swap(status, where, shown):
        before(status, where, shown)
        if not path.is_fifo():
            path.unlink()
            os.mkfifo(path)

    monkeypatch.setattr(opening, "_refuse_special", swap)
    assert first(make_config(path, "jsonl_prompt")).code == "data.not_a_file"


def test_links_are_followed_and_dangling_ones_named(tmp_path: Path, write, make_config):
    write("real.jsonl", ROW)
    link = tmp_path / "link.jsonl"
    link.symlink_to("real.jsonl")
    rows, _ = check_rows(make_config(link, "jsonl_prompt"))
    assert len(rows.usable) == 1
    lost = tmp_path / "lost.jsonl"
    lost.symlink_to("gone.jsonl")
    found = first(make_config(lost, "jsonl_prompt"))
    assert found.code == "data.dangling_link"
    assert "gone.jsonl" in found.message
    loop = tmp_path / "loop.jsonl"
    loop.symlink_to("loop.jsonl")
    assert first(make_config(loop, "jsonl_prompt")).code == "data.unreadable"


def test_a_file_that_may_not_be_read(write, make_config, monkeypatch):
    path = write("a.jsonl", ROW)

    def refuse(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(opening.os, "open", refuse)
    found = first(make_config(path, "jsonl_prompt"))
    assert found.code == "data.unreadable"
    assert "Permission denied" in found.message


@pytest.mark.parametrize("path", ["a\0b.jsonl", "x" * 5000, "\n", " "])
def test_names_that_no_file_can_have(path, make_config):
    assert first(make_config(path, "jsonl_prompt")).code.startswith("data.")


@pytest.mark.parametrize(
    "name",
    ["star*.jsonl", "br[1].jsonl", "-rf.jsonl", "a\nb.jsonl", "q\"u'ote.jsonl", "ž {x} %s.JSONL"],
)
def test_odd_names_mean_themselves(name, write, make_config):
    write("star1.jsonl", '{"prompt": "wrong", "completion": "wrong"}\n')
    write("br1.jsonl", '{"prompt": "wrong", "completion": "wrong"}\n')
    rows, _ = check_rows(make_config(write(name, ROW + "\n{}\n" + ROW), "jsonl_prompt"))
    assert rows.rows[0].fields == {"prompt": "p", "completion": "c"}
    assert "\n" not in rows.rows[1].problems[0].where
    assert repr(rows)


def test_a_name_that_is_not_text_can_still_be_told(tmp_path: Path):
    from ft_runtime.data.read import read_file

    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl")
    Path(path).write_text(ROW)
    contents = read_file(path)
    assert contents.name.encode("utf-8")
    with pytest.raises(FindingsError) as raised:
        read_file(path + "x")
    assert str(raised.value).encode("utf-8")


def test_all_files_are_looked_at_before_anything_is_said(tmp_path: Path, write, make_config):
    config = make_config(
        {"train": tmp_path / "no.jsonl", "val": write("v.jsonl", ""), "test": tmp_path},
        "jsonl_prompt",
    )
    rows, found = check_rows(config)
    assert rows is None
    assert [(item.code, item.where) for item in found] == [
        ("data.missing_file", "dataset.path.train"),
        ("data.empty_file", "v.jsonl"),
        ("data.not_a_file", "dataset.path.test"),
    ]
    with pytest.raises(FindingsError) as raised:
        load_rows(config)
    assert len(raised.value.findings) == 3


def test_the_hash_is_of_the_bytes(write, make_config):
    import hashlib

    data = ("\ufeff" + ROW * 3 + "\n").encode()
    for name in ("a.jsonl", "a.txt"):
        rows, _ = check_rows(make_config(write(name, data), "jsonl_prompt"))
        source = rows.sources[0]
        assert source.sha256 == hashlib.sha256(data).hexdigest()
        assert (source.bytes, source.rows) == (len(data), 3)


def test_a_path_may_begin_at_home(write, make_config, monkeypatch, tmp_path: Path):
    write("mine.jsonl", [{"prompt": f"p {n}", "completion": "c"} for n in range(4)])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for path in ("~/mine.jsonl", {"train": "~/mine.jsonl"}):
        config = make_config(path, "jsonl_prompt")
        rows, found = check_rows(config)
        assert rows is not None, found
        assert examine(sources_of(config)).files[0].fine == 4
