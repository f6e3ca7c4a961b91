"""Training without torch's compiler in memory, until somebody compiles.

``import torch._dynamo`` takes a seventh of the time to the first step, and nothing on the way
compiles: transformers marks a few functions for the compiler when it is imported, and an optimizer
asks at each step for a break in a graph that is not there. In the block of `without_compiler` the
module's name leads to a stand-in that notes the marks and has no graph to break. Whatever else is
wanted of it, by whomever, imports the real module, and so does every import after the block. As
soon as the real one is there it gets the marks, before it can compile anything.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

COMPILER = "torch._dynamo"
_PARTS = {"_trace_wrapped_higher_order_op": ("TransformGetItemToIndex",)}
"""Modules of the compiler, and what transformers takes from them: classes that it only calls."""


@contextmanager
def without_compiler() -> Iterator[None]:
    """Keep torch's compiler from being imported for nothing in the block.

    Where it is there already, nothing is done. Blocks may lie in each other.
    """
    if COMPILER in sys.modules or importlib.util.find_spec("torch") is None:
        yield
        return
    if not any(isinstance(finder, _Arrival) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Arrival())
    stand_ins = {COMPILER: _compiler(), **{f"{COMPILER}.{name}": _part(name) for name in _PARTS}}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        _withdraw()


class _StandIn(ModuleType):
    """A module that becomes the real one when more is asked of it than it has."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system looks for some of these
            raise AttributeError(name)
        return getattr(_real(self.__name__), name)


def _withdraw() -> None:
    for name in (COMPILER, *(f"{COMPILER}.{part}" for part in _PARTS)):
        if isinstance(sys.modules.get(name), _StandIn):
            del sys.modules[name]


def _real(name: str = COMPILER) -> ModuleType:
    """Import a module of the compiler, or the compiler."""
    _withdraw()
    importlib.import_module(COMPILER)
    return importlib.import_module(name)


def _arrived() -> ModuleType | None:
    """Return the compiler, where it is imported."""
    module = sys.modules.get(COMPILER)
    return None if isinstance(module, _StandIn) else module


class _Disabled:
    """A function that the compiler must leave alone, as soon as there is one."""

    def __init__(self, function: Callable[..., Any], keywords: dict[str, Any]) -> None:
        self.function = function
        self.keywords = keywords

    def settle(self, compiler: ModuleType) -> None:
        self.function = compiler.disable(self.function, **self.keywords)


_disabled: weakref.WeakSet[_Disabled] = weakref.WeakSet()
_marked: list[tuple[str, Callable[..., Any]]] = []
_lent: list[tuple[str, str, Callable[..., Any]]] = []


def _disable(function: Any = None, recursive: bool = True, **keywords: Any) -> Any:
    """Do what ``torch._dynamo.disable`` does: nothing, until something is compiled."""
    if function is None:
        return functools.partial(_disable, recursive=recursive, **keywords)
    if _arrived() or not inspect.isroutine(function):
        return _real().disable(function, recursive, **keywords)
    state = _Disabled(function, {"recursive": recursive, **keywords})
    _disabled.add(state)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return state.function(*args, **kwargs)

    return call


def _mark(kind: str) -> Callable[[Any], Any]:
    """Return a decorator of the compiler that returns the function which it is given."""

    def decorate(function: Any) -> Any:
        if _arrived() or not inspect.isfunction(function):
            return getattr(_real(), kind)(function)
        _marked.append((kind, function))
        return function

    return decorate


def _graph_break(*args: Any, **keywords: Any) -> None:
    if _arrived():
        _real().graph_break(*args, **keywords)


class _NothingCompiled:
    """Stands for a class of which there is no object without the compiler."""


class _EvalFrame(_StandIn):
    OptimizedModule = _NothingCompiled


def _compiler() -> ModuleType:
    stand_in = _StandIn(COMPILER)
    vars(stand_in).update(
        disable=_disable,
        graph_break=_graph_break,
        assume_constant_result=_mark("assume_constant_result"),
        allow_in_graph=_mark("allow_in_graph"),
        eval_frame=_EvalFrame(f"{COMPILER}.eval_frame"),
    )
    return stand_in


def _part(name: str) -> ModuleType:
    module = f"{COMPILER}.{name}"
    stand_in = _StandIn(module)
    for taken in _PARTS[name]:
        lent = _later(module, taken)
        _lent.append((module, taken, lent))
        setattr(stand_in, taken, lent)
    return stand_in


def _later(module: str, name: str) -> Callable[..., Any]:
    def call(*args: Any, **keywords: Any) -> Any:
        return getattr(_real(module), name)(*args, **keywords)

    return call


def _settle(compiler: ModuleType) -> None:
    """Tell the compiler, which has just been imported, what it has missed."""
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, _Arrival)]
    for kind, function in _marked:
        getattr(compiler, kind)(function)
    for state in list(_disabled):
        state.settle(compiler)
    everywhere = list(sys.modules.values())
    for module, name, lent in _lent:
        real = getattr(importlib.import_module(module), name, lent)
        for holder in everywhere:
            if getattr(holder, "__dict__", {}).get(name) is lent:
                setattr(holder, name, real)
    _marked.clear()
    _disabled.clear()
    _lent.clear()


class _Arrival(MetaPathFinder):
    """Notices the import of the compiler, and of a part of it beside the stand-in."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(COMPILER):
            return None
        if fullname == COMPILER:
            spec = PathFinder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                _afterwards(spec.loader, _settle)
            return spec
        if not isinstance(sys.modules.get(COMPILER), _StandIn):
            return None
        path = _real().__path__
        there = sys.modules.get(fullname)
        if there is None:
            return PathFinder.find_spec(fullname, path, target)
        return ModuleSpec(fullname, _There(there), is_package=hasattr(there, "__path__"))


def _afterwards(loader: Any, then: Callable[[ModuleType], None]) -> None:
    run = loader.exec_module

    def run_then(module: ModuleType) -> None:
        run(module)
        then(module)

    loader.exec_module = run_then


class _There(Loader):
    """Loads a module that is loaded already: its parent did it meanwhile."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec
