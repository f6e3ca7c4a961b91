"""Whether progress is shown, and to whom."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from ft_runtime.progress import wish


@pytest.mark.parametrize("asked", [True, False])
def test_what_the_user_says_counts(asked):
    assert wish.wanted(asked) is asked
    assert wish.live(asked) is asked


def test_without_a_word_that_of_the_block_counts():
    with wish.shown(False):
        assert not wish.wanted()
        assert wish.wanted(True)
        with wish.shown(None):
            assert not wish.wanted()
    assert wish.wanted()


def test_a_terminal_is_watched_and_a_pipe_is_not(monkeypatch):
    monkeypatch.setattr(wish, "in_notebook", lambda: False)
    for terminal in (True, False):
        stream = SimpleNamespace(isatty=lambda terminal=terminal: terminal)
        monkeypatch.setattr("sys.stderr", stream)
        assert wish.live() is terminal
        assert wish.wanted()


@pytest.mark.parametrize("rank", ["0", "1"])
def test_one_process_of_several_tells(monkeypatch, rank):
    for name, value in (("RANK", rank), ("LOCAL_RANK", rank), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    assert wish.wanted(True) is (rank == "0")


@pytest.mark.parametrize(
    ("shell", "expected"),
    [(SimpleNamespace(kernel=1), True), (SimpleNamespace(), False), (None, False)],
)
def test_a_kernel_is_told_from_a_shell(monkeypatch, shell, expected):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert wish.in_notebook() is expected


def test_ipython_is_not_imported_to_find_out(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert wish.in_notebook() is False
    assert "IPython" not in sys.modules
