"""What must be said about each of the nasty inputs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from ft_runtime.doctor import detect, scan
from ft_runtime.doctor.problems import is_error

_spec = importlib.util.spec_from_file_location("doctor_nasty", Path(__file__).with_name("nasty.py"))
assert _spec
assert _spec.loader
nasty = importlib.util.module_from_spec(_spec)
sys.modules["doctor_nasty"] = nasty
_spec.loader.exec_module(nasty)

pytestmark = pytest.mark.usefixtures("tier")


def codes(findings) -> set[str]:
    return {item.code.removeprefix("data.") for item in findings}


def by_line(file) -> dict[int, set[str]]:
    """Codes of the errors by line."""
    found: dict[int, set[str]] = {}
    for code, kept in file.log.kept.items():
        if is_error(code):
            for line, _ in kept:
                found.setdefault(line, set()).add(code)
    return found


@pytest.mark.parametrize("name", nasty.JSONL)
def test_nasty_jsonl(tmp_path, name):
    data, refused, wrong, warned = nasty.JSONL[name]
    path = tmp_path / f"{name}.jsonl"
    path.write_bytes(data)
    result = scan(path, format="jsonl_chat")
    (file,) = result.files
    assert file.valid
    if refused:
        assert file.refused
        assert file.rows == 0
        assert refused in codes(file.findings)
        return
    assert not file.refused, file.findings
    assert file.rows == len(data.rstrip(b"\n").split(b"\n"))
    assert file.fine + file.broken == file.rows
    assert by_line(file) == ({3: wrong} if wrong else {})
    said = codes(file.findings) | set(file.log.rows) | set(file.marks.rows)
    assert warned <= said
    if not wrong and not warned:
        assert not {c for c in file.log.rows if is_error(c)}


@pytest.mark.parametrize("name", nasty.CSV)
def test_nasty_csv(tmp_path, name):
    data, refused, wrong, said = nasty.CSV[name]
    path = tmp_path / f"{name}.csv"
    path.write_bytes(data)
    (file,) = scan(path).files
    assert said <= codes(file.findings)
    if refused:
        assert file.refused
        assert file.rows == 0
        assert refused in codes(file.findings)
        return
    assert not file.refused, file.findings
    assert file.fine + file.broken == file.rows
    assert by_line(file) == wrong


def test_a_100_mb_line_is_read_up_to_the_limit(tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_bytes(nasty.around(nasty.good("x" * 3_000_000)))
    assert scan(path, format="jsonl_chat").files[0].broken == 0
    (file,) = scan(path, format="jsonl_chat", limit=1_000_000).files
    assert by_line(file) == {3: {"line_too_long"}}
    assert file.rows == 6


def test_a_file_without_any_line_end_is_no_row_too_much(tmp_path):
    path = tmp_path / "garbage.jsonl"
    path.write_bytes(b"x" * 5_000_000)
    (file,) = scan(path, format="jsonl_chat", limit=1_000_000).files
    assert (file.rows, file.broken) == (1, 1)


def test_every_code_that_is_said_is_in_the_catalogue(tmp_path):
    for name, (data, *_) in nasty.JSONL.items():
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(data)
        (file,) = scan(path, format="jsonl_chat").files
        for item in (*file.findings, *file.row_findings()):
            assert item.message
            assert "{" not in item.message.replace("{name}", "").replace('{"', "")


@pytest.mark.parametrize("name", [*nasty.JSONL, *nasty.CSV])
def test_detection_never_fails(tmp_path, name):
    data = nasty.JSONL.get(name, nasty.CSV.get(name))[0]
    path = tmp_path / "data"
    path.write_bytes(data)
    found = detect(path)
    assert len(found.preview) <= 20
