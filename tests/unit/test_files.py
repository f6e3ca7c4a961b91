"""Paths from the home of a user, and the cache of one who has none."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ft_runtime.files import CACHE, cache_base, from_home, umask
from ft_runtime.models.folder import check_folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


def test_only_a_home_is_replaced(home: Path):
    assert from_home("~/a.jsonl") == str(home / "a.jsonl")
    for path in ("./a.jsonl", "https://a.example/b", "a~b", "~no-such-user/a", "~\0", ""):
        assert from_home(path) == path


def test_a_model_of_nobody_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match=r"models\.no_path"):
        check_folder("~no-such-user/model")


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch):
    for name in (CACHE, "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert cache_base() is None
    monkeypatch.setenv(CACHE, "kept")
    assert cache_base() == Path("kept")


def test_the_cache_may_be_named_from_home(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(CACHE, "~/kept")
    assert cache_base() == home / "kept"
    monkeypatch.setenv(CACHE, "~no-such-user/kept")
    assert cache_base() == Path("~no-such-user/kept")


@pytest.mark.parametrize("told", [True, False])
def test_to_ask_for_the_umask_leaves_it_as_it_is_in_every_thread(monkeypatch, told):
    def refused(*_, **__):
        raise FileNotFoundError

    before = os.umask(0o027)
    try:
        if not told:
            monkeypatch.setattr("ft_runtime.files.open", refused, raising=False)
        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(lambda _: umask(), range(800))) == {0o027}
    finally:
        assert os.umask(before) == 0o027
