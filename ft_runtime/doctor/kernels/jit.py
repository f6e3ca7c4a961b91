"""Functions that numba compiles once, and that run without numba from then on.

A kernel takes numbers (int64, boolean) and returns one or a few int64; arrays are passed as
addresses. Its machine code is kept in a file, and loaded by llvmlite, which takes a tenth of the
time and a third of the memory that importing numba takes. Nothing here imports either of them
before it is needed: `inline` and `instruction` promise what kernels call, and the promises are
kept when a kernel is compiled.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ft_runtime.doctor.kernels.choice import cache_folder
from ft_runtime.files import write_bytes_atomic

_PACKAGE = __package__ or ""
_KINDS = {"int64": ctypes.c_int64, "boolean": ctypes.c_bool}


class Promise:
    """Something that kernels call, made when the first of them is compiled."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
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

    promise = Promise(make)
    promise.function = function  # type: ignore[attr-defined]
    return promise


def _keep(known: dict[str, Any], done: set[int]) -> None:
    """Put what was promised in the place of the promises, in a module and those that it uses."""
    if id(known) in done:
        return
    done.add(id(known))
    for name, value in list(known.items()):
        if isinstance(value, Promise):
            known[name] = value.made()
            function = getattr(value, "function", None)
            if function is not None:
                _keep(function.__globals__, done)
        elif isinstance(value, ModuleType) and value.__name__.startswith(_PACKAGE):
            _keep(vars(value), done)


class Kernel:
    """A function that is compiled, or loaded as compiled before, when it is first called."""

    def __init__(self, signature: str, function: Callable[..., Any]) -> None:
        result, taken = re.fullmatch(r"(.+?)\(([^()]*)\)", signature).groups()  # type: ignore[union-attr]
        count = re.fullmatch(r"UniTuple\(int64, (\d+)\)", result)
        self._results = int(count[1]) if count else 1
        self._kinds = [_KINDS[kind.strip()] for kind in taken.split(",")]
        self._signature, self._function = signature, function
        self._entry: Any = None

    def __call__(self, *arguments: Any) -> Any:
        results = (ctypes.c_int64 * self._results)()
        self.ready()(results, ctypes.byref(ctypes.c_void_p()), *arguments)
        return results[0] if self._results == 1 else tuple(results)

    def ready(self) -> Any:
        """Return the compiled function; raises whatever numba and llvmlite raise."""
        if self._entry is None:
            folder = cache_folder()
            path = folder / f"{self._function.__module__}.{self._function.__name__}" if folder else None
            found = _kept(path) if path else None
            if found is None:
                found = self._compile()
                if path:
                    _keep_code(path, *found)
            prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *self._kinds)
            self._entry = prototype(_linked(*found))
        return self._entry

    def _compile(self) -> tuple[str, bytes]:
        """Return the symbol of the function, and its machine code."""
        from numba.core import compiler, registry, sigutils

        _keep(self._function.__globals__, set())
        flags: Any = compiler.Flags()
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        flags.error_model = "numpy"
        arguments, result = sigutils.normalize_signature(self._signature)
        target: Any = registry.cpu_target
        made = compiler.compile_extra(
            target.typing_context, target.target_context, self._function, arguments, result, flags, {}
        )
        names = [each.name for each in made.library._final_module.functions if each.is_declaration]
        if any(not name.startswith("llvm.") for name in names):
            raise RuntimeError(f"a kernel calls what is not part of it: {names}")
        return made.fndesc.llvm_func_name, made.library._get_compiled_object()


def kernel(signature: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Make a function a kernel.

    Parameters
    ----------
    signature : str
        As numba writes it, of int64 and boolean alone: ``"UniTuple(int64, 2)(int64, boolean)"``.
    """
    return lambda function: Kernel(signature, function)


def _keep_code(path: Path, symbol: str, code: bytes) -> None:
    head = {"symbol": symbol, "processor": _processor(), "sha256": hashlib.sha256(code).hexdigest()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(path, json.dumps(head).encode() + b"\n" + code)
    except OSError:  # a folder that cannot be written to keeps nothing
        return


def _kept(path: Path) -> tuple[str, bytes] | None:
    """Return what `_keep_code` has written, whole and for this processor; None for anything else."""
    try:
        head, code = path.read_bytes().split(b"\n", 1)
        known = json.loads(head)
        digest = hashlib.sha256(code).hexdigest()
        if known["sha256"] == digest and known["processor"] == _processor():
            return str(known["symbol"]), code
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _processor() -> str:
    from llvmlite import binding

    features = str(binding.get_host_cpu_features().flatten())
    return f"{binding.get_host_cpu_name()} {hashlib.sha256(features.encode()).hexdigest()}"


@cache
def _machine() -> Any:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_default_triple()


_engines: list[Any] = []


def _linked(symbol: str, code: bytes) -> int:
    """Return the address of a function whose machine code is loaded."""
    from llvmlite import binding

    machine = _machine().create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)  # the code goes with it
    return int(engine.get_function_address(symbol))
