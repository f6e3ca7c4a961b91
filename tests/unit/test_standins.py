"""Stand-ins for modules: nothing is imported before it is needed, and nothing is missing then."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest

from ft_runtime import uncompiled
from ft_runtime.standins import AbsentClass, StandIn, absent, arrived, real

WORK = """
from big import part
from big.part import deep
loaded.append("work")
NUMBER, __version__ = 7, "1"
def add(a, b):
    return a + b
def twice(a):
    return 2 * a
class Kind:
    pass
"""


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """A package whose module ``big.task`` takes its time, and two modules that take from it."""
    files = {
        "big/__init__.py": "",
        "big/task/__init__.py": WORK.replace("big.part", "big.task.part").replace(
            "big ", "big.task "
        ),
        "big/task/part.py": "loaded.append('part')\nclass deep: pass\n",
        "user.py": "import big.task as work\nfrom big.task import add\n",
        "star.py": "from big.task import *\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    found: list[str] = []
    monkeypatch.setattr("builtins.loaded", found, raising=False)
    doors = list(sys.meta_path)
    yield found
    sys.meta_path[:] = doors
    for name in [name for name in sys.modules if name.split(".")[0] in ("big", "user", "star")]:
        del sys.modules[name]


def small(settle=None):
    return StandIn("big.task", {"add": lambda a, b: (a, b)}, settle)


def test_who_takes_what_is_there_imports_nothing(loaded):
    with absent(small()):
        import user  # type: ignore[import-not-found]

        assert user.add(1, 2) == (1, 2)
        assert user.work.add(1, 2) == (1, 2)
        assert not arrived("big.task")
    assert loaded == []
    assert "big.task" not in sys.modules
    assert not hasattr(sys.modules.get("big"), "task")


def test_the_real_module_takes_the_place_of_all_that_was_borrowed(loaded):
    settled: list[str] = []
    with absent(small(lambda module: settled.append(module.__name__))):
        import user
    import big.task  # type: ignore[import-not-found]

    assert arrived("big.task")
    assert user.add is big.task.add
    assert user.work.add is big.task.add
    assert settled == ["big.task"]
    assert loaded == ["part", "work"]


@pytest.mark.parametrize("asked", ["NUMBER", "twice", "Kind", "__version__", "part"])
def test_whoever_asks_for_more_gets_the_module(loaded, asked):
    with absent(small()):
        from big import task as work

        assert getattr(work, asked) is not None
        assert arrived("big.task")
        assert work.add(1, 2) == 3
        assert sys.modules["big.task"].add(1, 2) == 3


def test_a_part_of_the_module_is_loaded_once(loaded):
    with absent(small()):
        import big.task.part
        from big.task.part import deep
    assert loaded == ["part", "work"]
    assert sys.modules["big.task"].deep is deep is big.task.part.deep
    assert big.task.part.__spec__.origin.endswith("part.py")


def test_a_star_takes_all(loaded):
    with absent(small()):
        import star  # type: ignore[import-not-found]
    assert star.NUMBER == 7
    assert star.add(1, 2) == 3


def test_a_module_that_is_there_stays(loaded):
    import big.task

    with absent(small()):
        assert sys.modules["big.task"] is big.task
    assert sys.modules["big.task"] is big.task


def test_blocks_may_lie_in_each_other(loaded):
    stand_in = small()
    with absent(stand_in):
        with absent(stand_in):
            assert sys.modules["big.task"] is stand_in
        assert sys.modules["big.task"] is stand_in
    assert "big.task" not in sys.modules


def test_the_stand_in_goes_when_the_block_breaks(loaded):
    with pytest.raises(ZeroDivisionError), absent(small()):
        raise ZeroDivisionError
    assert "big.task" not in sys.modules


def test_a_module_that_cannot_be_imported_says_so_and_may_be_tried_again(loaded, monkeypatch):
    with absent(small()):
        from big import task as work

        monkeypatch.delattr("builtins.loaded")
        with pytest.raises(NameError):
            work.NUMBER  # noqa: B018
        monkeypatch.setattr("builtins.loaded", loaded, raising=False)
        assert work.NUMBER == 7


def test_what_is_not_installed_stays_missing(loaded):
    with absent(StandIn("big.nothing", {"add": max})):
        from big import nothing  # type: ignore[import-not-found]

        with pytest.raises(ImportError):
            nothing.other  # noqa: B018
    with pytest.raises(ImportError):
        importlib.import_module("big.nothing")


def test_real_imports_what_nothing_stands_for(loaded):
    assert real("big.task").NUMBER == 7


def test_what_is_stood_for_is_installed_to_whoever_asks(loaded):
    with absent(small()):
        assert importlib.util.find_spec("big.task") is not None
        assert not arrived("big.task")


def test_a_class_that_is_away_goes_where_classes_go(loaded):
    kind = AbsentClass("big.task", "Kind")
    with absent(StandIn("big.task", {"Kind": kind})):
        assert not isinstance(1, kind)
        assert not issubclass(int, kind)
        assert not arrived("big.task")
        assert isinstance(1, kind | int)
        assert isinstance(None, None | kind)
        assert arrived("big.task")
    import big.task

    assert issubclass(big.task.Kind, kind)
    assert isinstance(big.task.Kind(), kind | int)


def test_what_the_compiler_leaves_alone_may_be_named(monkeypatch):
    monkeypatch.setattr(uncompiled, "arrived", lambda module: False)
    assert uncompiled._disable(fn=twice)(4) == 8
    assert uncompiled._disable(recursive=False)(twice)(4) == 8


def twice(number):
    return 2 * number
