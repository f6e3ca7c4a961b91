"""What `jupyter ft run` lets through from the kernel to the terminal."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from jupyter_ft.execution.echo import echo

BAR = (
    "<div><progress value='20' max='400' style='width:300px;'></progress>"
    "[ 20/400 00:02 &lt; 00:40, 9.1 it/s, Epoch 1/10]</div><table></table>"
)


def stream(name: str, text: str) -> dict[str, Any]:
    return {"msg_type": "stream", "content": {"name": name, "text": text}}


def update(html: str) -> dict[str, Any]:
    return {"msg_type": "update_display_data", "content": {"data": {"text/html": html}}}


def pretend_to_be_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for out in (sys.stdout, sys.stderr):
        monkeypatch.setattr(out, "isatty", lambda: True)


def test_text_goes_where_it_came_from(capsys: Any):
    echo(stream("stdout", "hello\n"))
    echo(stream("stderr", "careful\n"))
    echo({"msg_type": "status", "content": {"execution_state": "idle"}})
    assert capsys.readouterr() == ("hello\n", "careful\n")


def test_bars_stay_out_of_a_log_file(capsys: Any):
    echo(stream("stderr", "\r 50%|####    | 1/2"))
    echo(update(BAR))
    assert capsys.readouterr() == ("", "")


def test_bars_are_drawn_in_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Any):
    pretend_to_be_a_terminal(monkeypatch)
    echo(stream("stderr", "\r 50%|####    | 1/2"))
    echo(update(BAR))
    echo(update("<p>no bar</p>"))
    err = capsys.readouterr().err
    assert "50%" in err
    assert err.endswith("20/400 00:02 < 00:40, 9.1 it/s, Epoch 1/10")


def test_the_bar_of_the_installed_transformers_is_understood(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    from transformers.utils import notebook

    pretend_to_be_a_terminal(monkeypatch)

    drawn: list[str] = []
    monkeypatch.setattr(notebook.disp, "HTML", drawn.append)
    monkeypatch.setattr(notebook.disp, "display", lambda *args, **kwargs: None)
    notebook.NotebookProgressBar(8).update(8, force_update=True)
    echo(update(drawn[-1]))
    assert "8/8" in capsys.readouterr().err
