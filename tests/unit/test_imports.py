"""Imports that are put off: the same functions, imported when they are called and not before."""

from __future__ import annotations

import gc
import sys

import pytest

from ft_runtime import imports
from ft_runtime.imports import last_list, load, own_process, put_off, settle


@pytest.fixture
def heavy(tmp_path, monkeypatch):
    """A library that counts how often it is imported, and one that takes a function from it."""
    (tmp_path / "heavy_room").mkdir()
    (tmp_path / "heavy_room" / "__init__.py").write_text("")
    (tmp_path / "heavy_room" / "work.py").write_text(
        "def add(a, b=1):\n    return a + b\n\nNUMBER = 7\n"
    )
    (tmp_path / "light.py").write_text("from heavy_room.work import add\n")
    (tmp_path / "curious.py").write_text("from heavy_room.work import NUMBER, add\n")
    (tmp_path / "broken.py").write_text("import gc\nassert not gc.isenabled()\n1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    names = ("heavy_room", "heavy_room.work", "light", "curious", "broken")
    yield
    for name in names:
        sys.modules.pop(name, None)


def test_a_function_that_is_put_off_is_imported_when_it_is_called(heavy):
    with put_off("heavy_room.work", "add"):
        import light  # type: ignore[import-not-found]
    assert "heavy_room.work" not in sys.modules
    assert light.add.__name__ == "add"
    assert light.add(2, b=3) == 5
    assert "heavy_room.work" in sys.modules


def test_it_may_be_called_in_the_block_too(heavy):
    with put_off("heavy_room.work", "add"):
        import light

        assert light.add(2) == 3
        assert sys.modules["heavy_room.work"].NUMBER == 7


def test_whoever_wants_more_gets_the_module(heavy):
    with put_off("heavy_room.work", "add"):
        import curious  # type: ignore[import-not-found]
    assert curious.NUMBER == 7
    assert curious.add(1) == 2


def test_a_module_that_is_there_is_left_alone(heavy):
    import heavy_room.work  # type: ignore[import-not-found]

    with put_off("heavy_room.work", "add"):
        import light
    assert light.add is heavy_room.work.add


def test_what_is_not_installed_stays_missing():
    with put_off("no_such_library_at_all", "add"), pytest.raises(ImportError):
        import no_such_library_at_all  # type: ignore[import-not-found] # noqa: F401


def test_the_stand_in_goes_when_the_block_breaks(heavy):
    with pytest.raises(ZeroDivisionError), put_off("heavy_room.work", "add"):
        raise ZeroDivisionError
    assert "heavy_room.work" not in sys.modules


def test_the_collector_rests_while_a_library_is_imported_and_no_longer(heavy):
    with pytest.raises(ZeroDivisionError):
        load("broken")
    assert gc.isenabled()
    gc.disable()
    try:
        load("light")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_source_is_read_from_its_last_list_of_names_on():
    assert last_list("import os\n__all__ = ['a']\n__all__ = ['b']\n") == "__all__ = ['b']\n"
    assert last_list("__all__ = ['a']\n") == "__all__ = ['a']\n"
    assert last_list("x = '__all__'\n") == "x = '__all__'\n"


def test_only_a_process_of_our_own_is_settled(monkeypatch):
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    settle()
    assert gc.get_freeze_count() == frozen
    try:
        own_process()
        own_process()
        assert gc.get_threshold() != before
        settle()
        assert gc.get_threshold() == before
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
    assert imports._usual == []


def test_what_is_imported_in_a_process_of_our_own_is_permanent(heavy):
    frozen = gc.get_freeze_count()
    load("light")
    assert gc.get_freeze_count() == frozen
    try:
        own_process()
        load("curious")
        assert gc.get_freeze_count() > frozen
        settle()
    finally:
        gc.unfreeze()


def test_a_config_is_checked_without_the_grammar_of_addresses():
    import subprocess

    code = (
        "import sys; from ft_runtime.config import schema; schema.validator();"
        "from jsonschema import FormatChecker; loaded = 'rfc3987_syntax.syntax_helpers';"
        "assert loaded not in sys.modules;"
        "known = FormatChecker();"
        "assert not known.conforms('no address', 'iri') or 'iri' not in known.checkers;"
        "assert known.conforms('http://example.org/\\xe4', 'iri')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
