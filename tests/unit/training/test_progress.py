from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from ft_runtime.training import progress


@pytest.mark.parametrize("asked", [True, False])
def test_what_the_user_says_counts(asked):
    assert progress.wanted(asked) is asked


def test_a_terminal_gets_bars_and_a_pipe_does_not(monkeypatch):
    monkeypatch.setattr(progress, "in_notebook", lambda: False)
    for terminal in (True, False):
        monkeypatch.setattr(
            "sys.stderr", SimpleNamespace(isatty=lambda terminal=terminal: terminal)
        )
        assert progress.wanted() is terminal


@pytest.mark.parametrize(
    ("shell", "expected"),
    [(SimpleNamespace(kernel=1), True), (SimpleNamespace(), False), (None, False)],
)
def test_a_kernel_is_told_from_a_shell(monkeypatch, shell, expected):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert progress.in_notebook() is expected


def test_ipython_is_not_imported_to_find_out(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert progress.in_notebook() is False
    assert "IPython" not in sys.modules
