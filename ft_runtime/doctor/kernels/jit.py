"""Functions that numba compiles once, and that run without numba from then on.

A kernel takes numbers (int64, boolean) and returns one int64 or a few; arrays are passed as
addresses. Its machine code is kept in a file and loaded by llvmlite, which takes a tenth of the
time and a third of the memory that importing numba takes. Nothing here imports either of them
before it is needed: `inline` and `lanes.instruction` promise what kernels call, and the promises
are kept when a kernel is compiled.
"""

from __future__ import annotations

import ctypes
import re
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ft_runtime.doctor.kernels import code
from ft_runtime.doctor.kernels.choice import cache_folder

_KINDS: dict[str, Any] = {"int64": ctypes.c_int64, "boolean": ctypes.c_bool}
_SIGNATURE = re.compile(r"(?:int64|UniTuple\(int64, (\d+)\))\((.*)\)")


class Promise:
    """Something that kernels call, made when the first of them is compiled.

    Parameters
    ----------
    make : callable
        Returns what numba knows.
    known : dict, optional
        The names among which a function finds what it calls.
    """

    def __init__(self, make: Callable[[], Any], known: dict[str, Any] | None = None) -> None:
        self._make, self.known = make, known or {}
        self._made: Any = None

    def made(self) -> Any:
        """Return what numba knows."""
        if self._made is None:
            self._made = self._make()
        return self._made


def inline(function: Callable[..., Any]) -> Any:
    """Make a function one that kernels may call; it becomes part of them."""

    def make() -> Any:
        from numba import njit

        compile: Any = njit(error_model="numpy", no_cfunc_wrapper=True, no_cpython_wrapper=True)
        return compile(function)

    return Promise(make, function.__globals__)


def _keep_promises(known: dict[str, Any], done: set[int]) -> None:
    """Put what was promised in the place of the promises, in a module and those that it uses."""
    if id(known) in done:
        return
    done.add(id(known))
    for name, value in list(known.items()):
        if isinstance(value, Promise):
            known[name] = value.made()
            _keep_promises(value.known, done)
        elif isinstance(value, ModuleType) and value.__name__.startswith(__package__ or ""):
            _keep_promises(vars(value), done)


class Kernel:
    """A function that is compiled, or loaded as compiled before, when it is first called."""

    def __init__(self, signature: str, function: Callable[..., Any]) -> None:
        found = _SIGNATURE.fullmatch(signature)
        assert found, signature
        self._results = int(found[1] or 1)
        self._kinds = [_KINDS[kind.strip()] for kind in found[2].split(",")]
        self._signature, self._function = signature, function
        self._entry: Any = None

    def __call__(self, *arguments: Any) -> Any:
        """Return what the function returns: a number, or a tuple of them."""
        results = (ctypes.c_int64 * self._results)()
        self.ready()(results, ctypes.byref(ctypes.c_void_p()), *arguments)
        return results[0] if self._results == 1 else tuple(results)

    def ready(self) -> Any:
        """Return the compiled function; raises whatever numba and llvmlite raise."""
        if self._entry is None:
            folder, function = cache_folder(), self._function
            module = function.__module__.rpartition(".")[2]
            path = folder / f"{module}.{function.__name__}" if folder else None
            found = code.read(path) if path else None
            if found is None:
                found = self._compile()
                if path:
                    code.write(path, *found)
            # What numba makes of a function returns a status, and takes two places to write to:
            # for the result, and for an exception, which kernels do not raise.
            form = ctypes.CFUNCTYPE(
                ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *self._kinds
            )  # fmt: skip
            self._entry = form(code.link(*found))
        return self._entry

    def _compile(self) -> tuple[str, bytes]:
        """Return the symbol of the function, and its machine code."""
        from numba.core import compiler, registry, sigutils

        flags: Any = compiler.Flags()
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        flags.error_model = "numpy"
        arguments, result = sigutils.normalize_signature(self._signature)
        target: Any = registry.cpu_target
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what numba finds doubtful is none of the user's cares
            _keep_promises(self._function.__globals__, set())
            made = compiler.compile_extra(
                target.typing_context,
                target.target_context,
                self._function,
                arguments,
                result,
                flags,
                {},
            )
        outside = [
            each.name for each in made.library._final_module.functions if each.is_declaration
        ]
        if any(not name.startswith("llvm.") for name in outside):
            raise RuntimeError(f"a kernel calls what is not part of it: {outside}")
        return made.fndesc.llvm_func_name, made.library._get_compiled_object()


def kernel(signature: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Make a function a kernel.

    Parameters
    ----------
    signature : str
        As numba writes it, of int64 and boolean alone: ``"UniTuple(int64, 2)(int64, boolean)"``.
    """
    return lambda function: Kernel(signature, function)
