"""Training without torch's compiler in memory, until somebody compiles.

torch's compiler and its algebra of symbolic shapes (with sympy) take a sixth of the time to the
first step, and on the way to it nothing is compiled: transformers marks a few functions for the
compiler when it is imported, an optimizer asks at each step for a break in a graph that is not
there, and what is planned without data asks the algebra about plain numbers. The stand-ins note the
marks, have no graph to break, and know that a number is itself. See `ft_runtime.standins`.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ft_runtime.standins import AbsentClass, StandIn, arrived, real


class _Disabled:
    """A function that the compiler must leave alone, as soon as there is one."""

    def __init__(self, function: Callable[..., Any], keywords: dict[str, Any]) -> None:
        self.function = function
        self.keywords = keywords


_disabled: weakref.WeakSet[_Disabled] = weakref.WeakSet()
_marked: list[tuple[str, Callable[..., Any]]] = []


def _settle(compiler: ModuleType) -> None:
    """Tell the compiler, which has just been imported, what it has missed."""
    for kind, function in _marked:
        getattr(compiler, kind)(function)
    for state in list(_disabled):
        state.function = compiler.disable(state.function, **state.keywords)
    _marked.clear()
    _disabled.clear()


def _disable(fn: Any = None, recursive: bool = True, **keywords: Any) -> Any:
    """Do what ``torch._dynamo.disable`` does: nothing, until something is compiled."""
    if fn is None:
        return functools.partial(_disable, recursive=recursive, **keywords)
    if arrived(_DYNAMO) or not inspect.isroutine(fn):
        return real(_DYNAMO).disable(fn, recursive, **keywords)
    state = _Disabled(fn, {"recursive": recursive, **keywords})
    _disabled.add(state)

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        return state.function(*args, **kwargs)

    return call


def _mark(kind: str) -> Callable[[Any], Any]:
    """Return the decorator of the compiler that has this name and returns what it is given."""

    def decorate(function: Any) -> Any:
        if arrived(_DYNAMO) or not inspect.isfunction(function):
            return getattr(real(_DYNAMO), kind)(function)
        _marked.append((kind, function))
        return function

    return decorate


def _graph_break(*args: Any, **keywords: Any) -> None:
    if arrived(_DYNAMO):
        real(_DYNAMO).graph_break(*args, **keywords)


class _NeverRaisedError(Exception):
    """Stands for what nobody raises without symbolic shapes."""


def _number(*values: Any) -> bool:
    return len(values) == 1 and type(values[0]) in (bool, int)


def _truth(*values: Any) -> bool:
    return len(values) == 1 and type(values[0]) is bool


def _truths(*values: Any) -> bool:
    return all(type(value) is bool for value in values)


def _sizes(*values: Any) -> bool:
    """Return True for numbers, and for rows of numbers."""
    if all(isinstance(each, tuple | list) for each in values):
        return all(map(_number, (size for each in values for size in each)))
    return all(map(_number, values))


def _same(one: Any, other: Any) -> bool:
    return bool(list(one) == list(other) if isinstance(one, tuple | list) else one == other)


def _answer(
    name: str, known: Callable[..., bool], answer: Callable[..., Any]
) -> Callable[..., Any]:
    """Return a function of symbolic shapes that answers for plain numbers itself."""

    def call(*args: Any, **keywords: Any) -> Any:
        if args and not keywords and known(*args):
            return answer(*args)
        return getattr(real(_SHAPES.__name__), name)(*args, **keywords)

    call.__name__ = call.__qualname__ = name
    return call


def _itself(value: Any) -> Any:
    return value


_ANSWERS: dict[str, tuple[Callable[..., bool], Callable[..., Any]]] = {
    "expect_true": (_truth, _itself),
    "guard_or_false": (_truth, _itself),
    "guard_or_true": (_truth, _itself),
    "guard_size_oblivious": (_truth, _itself),
    "guarding_hint_or_throw": (_number, _itself),
    "has_guarding_hint": (_number, lambda _: True),
    "is_nested_int": (_number, lambda _: False),
    "statically_known_true": (_truth, _itself),
    "sym_and": (_truths, lambda *truths: all(truths)),
    "sym_eq": (_sizes, _same),
    "sym_or": (_truths, lambda *truths: any(truths)),
}

_DYNAMO = "torch._dynamo"
_FRAMES, _TRACED = f"{_DYNAMO}.eval_frame", f"{_DYNAMO}._trace_wrapped_higher_order_op"
_COMPILER = StandIn(
    _DYNAMO,
    {
        "allow_in_graph": _mark("allow_in_graph"),
        "assume_constant_result": _mark("assume_constant_result"),
        "disable": _disable,
        "eval_frame": StandIn(
            _FRAMES, {"OptimizedModule": AbsentClass(_FRAMES, "OptimizedModule")}
        ),
        "graph_break": _graph_break,
    },
    _settle,
)
_HIGHER_ORDER = StandIn(
    _TRACED, {"TransformGetItemToIndex": AbsentClass(_TRACED, "TransformGetItemToIndex")}
)
_SHAPES = StandIn(
    "torch.fx.experimental.symbolic_shapes",
    {
        **{name: _answer(name, *how) for name, how in _ANSWERS.items()},
        "GuardOnDataDependentSymNode": _NeverRaisedError,
    },
)
_ALGEBRA = StandIn("sympy", {"Basic": AbsentClass("sympy", "Basic")})
STAND_INS = (_COMPILER, _HIGHER_ORDER, _SHAPES, _ALGEBRA)
