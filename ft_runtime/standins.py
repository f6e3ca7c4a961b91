"""Stand-ins for modules that are imported everywhere and seldom used.

While a block of `absent` lasts, the name of a module leads to a `StandIn` with the few things that
are asked for on the way. Asked for anything else, it imports the real module and hands that out;
after the block every import finds the real one. And when the real one is imported, by whomever and
however late, it takes the place of whatever was borrowed from the stand-in meanwhile.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_awaited: dict[str, StandIn] = {}
_ASKED = ("__all__", "__version__")


class StandIn(ModuleType):
    """A module with a few names; asked for others, it imports the real module.

    Parameters
    ----------
    module : str
        Dotted name.
    contents : dict
        What it has.
    settle : callable, optional
        Called with the real module as soon as that is imported.
    """

    def __init__(
        self,
        module: str,
        contents: dict[str, Any],
        settle: Callable[[ModuleType], None] | None = None,
    ) -> None:
        super().__init__(module)
        vars(self).update(contents)
        # Whoever asks whether the module is installed looks here.
        self.__spec__ = ModuleSpec(module, None, is_package=True)
        self.__path__: list[str] = []  # imports of submodules come to `_Door`
        vars(self)["_ft_lent"] = (contents, settle)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in _ASKED:  # the import system looks for some
            raise AttributeError(name)
        module = real(self.__name__)
        if name == "__all__" and not hasattr(module, name):
            return [each for each in vars(module) if not each.startswith("_")]
        return getattr(module, name)


@contextmanager
def absent(*stand_ins: StandIn) -> Iterator[None]:
    """Let stand-ins stand for their modules in the block; what is imported already stays.

    Blocks may lie in each other. The package that a module belongs to must be importable.
    """
    put = [each for each in stand_ins if each.__name__ not in sys.modules]
    for stand_in in put:
        _awaited[stand_in.__name__] = stand_in
        sys.modules[stand_in.__name__] = stand_in
        parent, child = _parent(stand_in.__name__)
        if parent is not None:
            vars(parent).setdefault(child, stand_in)
    if put and not any(isinstance(finder, _Door) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Door())
    try:
        yield
    finally:
        for stand_in in put:
            _withdraw(stand_in)


def arrived(module: str) -> bool:
    """Return True when the real module is imported."""
    return not isinstance(sys.modules.get(module), StandIn | None)


def real(module: str) -> ModuleType:
    """Import a module, whether there is a stand-in for it or not.

    All stand-ins go with the first of them: what one module imports is not to be another's.
    """
    for stand_in in list(_awaited.values()):
        _withdraw(stand_in)
    return importlib.import_module(module)


class AbsentClass:
    """Stands for a class of which there is no object before its module is imported.

    Parameters
    ----------
    module : str
        Where the class is.
    name : str
        What it is called there.
    """

    def __init__(self, module: str, name: str) -> None:
        self._place = (module, name)

    def _real(self) -> Any:
        module, name = self._place
        return getattr(real(module), name)

    def __instancecheck__(self, value: Any) -> bool:
        return arrived(self._place[0]) and isinstance(value, self._real())

    def __subclasscheck__(self, value: Any) -> bool:
        return arrived(self._place[0]) and issubclass(value, self._real())

    def __or__(self, other: Any) -> Any:
        """Return the union of two classes, as an annotation has it."""
        return self._real() | other

    def __ror__(self, other: Any) -> Any:
        """Return the union of two classes, as an annotation has it."""
        return other | self._real()

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Call the class."""
        return self._real()(*args, **keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self._real(),)


def _parent(name: str) -> tuple[ModuleType | None, str]:
    parent, _, child = name.rpartition(".")
    return sys.modules.get(parent), child


def _withdraw(stand_in: ModuleType) -> None:
    name = stand_in.__name__
    if sys.modules.get(name) is stand_in:
        del sys.modules[name]
    parent, child = _parent(name)
    if parent is not None and vars(parent).get(child) is stand_in:
        delattr(parent, child)


def _replace(module: ModuleType) -> None:
    """Put a module that has just been imported in the place of its stand-in."""
    stand_in = _awaited.pop(module.__name__, None)
    if stand_in is None:
        return
    if not _awaited:
        sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, _Door)]
    contents, settle = vars(stand_in)["_ft_lent"]
    lent = {name: value for name, value in contents.items() if hasattr(module, name)}
    # The stand-in itself too: somebody may have bound it.
    for holder in (stand_in, *sys.modules.values()):
        names: Any = getattr(holder, "__dict__", {})
        for name, value in lent.items():
            if names.get(name) is value:
                setattr(holder, name, getattr(module, name))
    if settle is not None:
        settle(module)


class _Door(MetaPathFinder):
    """Notices when a module comes for which there is a stand-in, or a part of one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parent, _ = _parent(fullname)
        if isinstance(parent, StandIn):
            path = real(parent.__name__).__path__
            there = sys.modules.get(fullname)
            if there is not None:  # its package has imported it
                package = hasattr(there, "__path__")
                found = ModuleSpec(fullname, _There(there), is_package=package)
                # The import system takes the spec that the module has by now.
                there.__spec__ = found
                return found
        elif fullname not in _awaited:
            return None
        others = (each for each in sys.meta_path if each is not self and hasattr(each, "find_spec"))
        specs = (each.find_spec(fullname, path, target) for each in others)
        spec = next((each for each in specs if each is not None), None)
        if spec is not None and spec.loader is not None and fullname in _awaited:
            _afterwards(spec.loader, _replace)
        return spec


def _afterwards(loader: Any, then: Callable[[ModuleType], None]) -> None:
    run = loader.exec_module

    def run_then(module: ModuleType) -> None:
        run(module)
        then(module)

    loader.exec_module = run_then


class _There(Loader):
    """Loads a module that is loaded already, and leaves it as it is."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec
