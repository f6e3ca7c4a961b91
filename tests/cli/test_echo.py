"""What `jupyter ft run` lets through from the kernel to the terminal."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from ft_runtime.progress import Frame
from ft_runtime.progress.html import html
from ft_runtime.progress.screens import Notebook
from jupyter_ft.execution.echo import echo

FRAME = Frame("Training", 20, 400, ("loss 1.5",), lines=("before",))


def stream(name: str, text: str) -> dict[str, Any]:
    return {"msg_type": "stream", "content": {"name": name, "text": text}}


def update(html: str, plain: str = "") -> dict[str, Any]:
    data = {"text/html": html, "text/plain": plain}
    return {"msg_type": "update_display_data", "content": {"data": data}}


def pretend_to_be_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for out in (sys.stdout, sys.stderr):
        monkeypatch.setattr(out, "isatty", lambda: True)


def test_text_goes_where_it_came_from(capsys: Any):
    echo(stream("stdout", "hello\n"))
    echo(stream("stderr", "careful\n"))
    echo({"msg_type": "status", "content": {"execution_state": "idle"}})
    assert capsys.readouterr() == ("hello\n", "careful\n")


def test_progress_stays_out_of_a_log_file(capsys: Any):
    echo(stream("stderr", "\r 50%|####    | 1/2"))
    echo(update(html(FRAME), "Training 20/400"))
    assert capsys.readouterr() == ("", "")


def test_progress_is_drawn_in_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Any):
    pretend_to_be_a_terminal(monkeypatch)
    echo(stream("stderr", "\r 50%|####    | 1/2"))
    echo(update(html(FRAME), "Training 20/400\nbefore"))
    echo(update("<p>a picture</p>", "a picture"))
    err = capsys.readouterr().err
    assert "50%" in err
    assert err.endswith("\r\033[KTraining 20/400\r")


def test_what_a_kernel_sends_is_understood(monkeypatch: pytest.MonkeyPatch, capsys: Any):
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "IPython.display.publish_display_data", lambda data, **more: sent.append(data)
    )
    Notebook().draw(FRAME)
    pretend_to_be_a_terminal(monkeypatch)
    echo({"msg_type": "display_data", "content": {"data": sent[0]}})
    assert "Training 20/400 · loss 1.5" in capsys.readouterr().err
