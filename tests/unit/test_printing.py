"""Printing where a character, the reader or the room on the disk is missing."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TextIO

import pytest

from ft_runtime import cli
from ft_runtime.findings import FindingsError, finding, notify
from ft_runtime.printing import say, show_any_character, tell

ROW = '{"prompt": "p", "completion": "c"}\n'


def without_reader() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", encoding="utf-8")


def test_a_reader_that_is_gone_is_met_once():
    with without_reader() as stream:
        assert isinstance(say("one", stream), BrokenPipeError)
        assert say("two", stream) is None
        tell("three", stream)


def test_a_stream_without_a_file_tells_why(monkeypatch: pytest.MonkeyPatch):
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    assert say("one", Full()) is not None
    with pytest.raises(FindingsError, match="No space left on device"):
        tell("one", Full())
    monkeypatch.setattr(sys, "stderr", Full())
    notify(finding("data.no_numba", "numba"))


def test_a_pipe_that_is_full_for_a_moment_is_not_given_up():
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    with os.fdopen(reader, "rb", buffering=0) as end, os.fdopen(writer, "w") as stream:
        error = None
        while error is None:
            error = say("x" * 4000, stream)
        assert isinstance(error, BlockingIOError)
        while end.read(1 << 16):  # None: empty for now
            pass
        assert say("heard", stream) is None
        stream.close()
        assert end.read().endswith(b"heard\n")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_character_that_the_encoding_lacks_is_written_in_ascii(
    monkeypatch: pytest.MonkeyPatch, encoding: str
):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    show_any_character()
    assert say("loss 2 → 1") is None
    assert raw.getvalue().replace(b"\r", b"") == b"loss 2 \\u2192 1\n"


def test_a_standard_output_that_is_closed_is_none_of_our_business(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdout", None)
    show_any_character()
    assert say("nobody hears") is None


@pytest.mark.parametrize("command", [["ft_runtime"], ["jupyter_ft.cli"]])
def test_check_prints_where_standard_output_is_ascii(tmp_path: Path, command: list[str]):
    (tmp_path / "zeilen·ü.jsonl").write_text(ROW, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", *command, "check", "zeilen·ü.jsonl"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"zeilen\\xb7\\xfc.jsonl: 1 rows" in done.stdout


def test_a_run_goes_on_when_nobody_reads_what_it_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    def run(_: Any) -> int:
        for shown in ("one", "two"):
            cli._tell(shown)
        return 0

    monkeypatch.setattr(cli, "_run", run)
    with without_reader() as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert cli.main(["run", "config.yaml"]) == 0
    assert capsys.readouterr().err.count("the run goes on") == 1


@pytest.mark.parametrize(("command", "told"), [("run", True), ("check", False), ("smoke", False)])
def test_only_a_run_is_said_to_go_on_after_an_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, command: str, told: bool
):
    def stop(_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, f"_{command}", stop)
    assert cli.main([command, "config.yaml"]) == cli.PAUSED
    assert ("checkpoint" in capsys.readouterr().err) is told
