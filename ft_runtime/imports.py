"""Leaving out of the way to the first step what libraries import and nobody on that way uses.

Nothing is taken from anybody: what is put off is imported when it is called, and what is hidden is
hidden for the length of a block.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from ft_runtime import garbage
from ft_runtime.lean import lean

# Modules of peft that ask for bitsandbytes while an adapter is made.
_ASKING = ("tuners.lora.model", "utils.quantization_utils")


@contextmanager
def put_off(module: str, *functions: str) -> Iterator[None]:
    """Let imports in the block take `functions` from `module` without importing it.

    They get functions that import the module when they are first called. A module that is there
    already, or not installed at all, is left as it is.

    Parameters
    ----------
    module : str
        Dotted name.
    *functions : str
        What is taken from it by name.
    """
    if module in sys.modules or importlib.util.find_spec(module.partition(".")[0]) is None:
        yield
        return
    stand_in = ModuleType(module)
    if "." not in module:
        stand_in.__spec__ = importlib.util.find_spec(module)  # who asks whether it is installed

    def real() -> ModuleType:
        _withdraw(module, stand_in)
        return importlib.import_module(module)

    def later(name: str) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            return getattr(real(), name)(*args, **keywords)

        call.__name__ = call.__qualname__ = name
        call.__module__ = module
        return call

    def beyond(name: str) -> Any:
        """Give whoever wants more than these functions the module itself."""
        if name.startswith("__"):  # the import system looks for some of these
            raise AttributeError(name)
        return getattr(real(), name)

    for name in functions:
        setattr(stand_in, name, later(name))
    stand_in.__getattr__ = beyond  # type: ignore[method-assign]
    sys.modules[module] = stand_in
    try:
        yield
    finally:
        _withdraw(module, stand_in)


def _withdraw(module: str, stand_in: ModuleType) -> None:
    if sys.modules.get(module) is stand_in:
        del sys.modules[module]


def load(module: str) -> ModuleType:
    """Import a module with the collector of garbage at rest.

    Large libraries make a million objects that stay, and each look through all of them for garbage
    takes longer than the one before: a fifth of the time of the import. In a process of our own
    they are taken for permanent: the first look after the import would go through all of them.
    """
    if module in sys.modules:
        return sys.modules[module]
    with garbage.at_rest():
        try:
            return importlib.import_module(module)
        finally:
            if _usual:
                gc.freeze()


_usual: list[tuple[int, int, int]] = []
_SELDOM = (50_000, 20, 100)


def own_process() -> None:
    """Let the collector look seldom until `settle`: this process belongs to one run."""
    if not _usual:
        _usual.append(gc.get_threshold())
        gc.set_threshold(*_SELDOM)


def settle() -> None:
    """Take what is there by now for permanent, in a process of our own.

    The collector need not look through it again: training begins with a look through everything.
    In a notebook nothing is done: what is garbage there must be found.
    """
    if _usual:
        gc.freeze()
        gc.set_threshold(*_usual.pop())


def begin_torch() -> None:
    """Let the system load torch's largest library while other things are done.

    That is a tenth of a second in which the interpreter is not needed. Loaded is what torch loads
    first, in the order in which it does; where that fails, its own import tells why. A torch for
    GPUs is left to itself: it has libraries of others to find before its own.
    """
    if "torch" in sys.modules or sys.platform != "linux":
        return
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    if any((folder / f"libtorch_{kind}.so").exists() for kind in ("cuda", "hip", "xpu")):
        return
    threading.Thread(target=_load_libraries, args=(folder,), name="torch's libraries").start()


def _load_libraries(folder: Path) -> None:
    with suppress(OSError):
        ctypes.CDLL(str(folder / "libtorch_global_deps.so"), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(folder / "libtorch_cpu.so"))


def import_jsonschema() -> ModuleType:
    """Import jsonschema without the grammar of internationalised addresses.

    In a Jupyter environment jsonschema finds rfc3987_syntax, which compiles a grammar when it is
    imported: longer than all the rest of reading a config.
    """
    with (
        put_off("rfc3987_syntax", "is_valid_syntax"),
        put_off("rfc3986_validator", "validate_rfc3986"),
    ):
        return importlib.import_module("jsonschema")


def import_peft() -> ModuleType:
    """Import peft without bitsandbytes, which brings torch's compiler along.

    One function of peft looks at it, to choose layers of a quantised model.
    """
    with put_off("bitsandbytes"), lean():
        return load("peft")


class _After(MetaPathFinder):
    """Does something to a module when it has been imported, once."""

    def __init__(self, module: str, then: Callable[[ModuleType], None]) -> None:
        self.module = module
        self.then = then

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self.module else None
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def run_then(module: ModuleType) -> None:
            run(module)
            self.then(module)

        spec.loader.exec_module = run_then  # type: ignore[method-assign]
        return spec


def import_transformers() -> ModuleType:
    """Import transformers, which reads all files of its models, in less than half of the time.

    It remembers what it found in 128 folders and has more than 500, so that it reads all of them
    twice; and it goes through a file line by line for the last one that begins with ``__all__``.
    """
    if "transformers" in sys.modules:
        return sys.modules["transformers"]
    finder = _After("transformers.utils.import_utils", _look_once)
    sys.meta_path.insert(0, finder)
    try:
        return load("transformers")
    finally:
        sys.meta_path.remove(finder)


def _look_once(module: ModuleType) -> None:
    """Let transformers remember every folder, and look at the end of a file."""
    folder: Any = getattr(module, "create_import_structure_from_path", None)
    if hasattr(folder, "cache_parameters"):  # a function with a bounded memory, as of today
        setattr(module, folder.__name__, lru_cache(maxsize=None)(folder.__wrapped__))
    names: Any = getattr(module, "fetch__all__", None)
    if names is not None:
        setattr(module, names.__name__, lambda content: names(last_list(content)))


def last_list(content: str) -> str:
    """Return a source from its last line on that begins with ``__all__``; all without one."""
    return content[content.rfind("\n__all__") + 1 :]


def import_models() -> None:
    """Import the base of transformers' models without scipy's optimisers.

    They are there for one function, which losses of object detection call.
    """
    import_transformers()
    if "transformers.modeling_utils" not in sys.modules:
        with put_off("scipy.optimize", "linear_sum_assignment"), lean():
            load("transformers.modeling_utils")


@contextmanager
def without_bitsandbytes() -> Iterator[None]:
    """Keep peft from importing bitsandbytes for adapters that go on in the block.

    It brings torch's compiler along, and peft asks it about every layer, also where nothing is
    quantised. Once it is imported there is nothing to save.
    """
    if "bitsandbytes" in sys.modules:
        yield
        return
    with put_off("bitsandbytes"):
        asking = [importlib.import_module(f"peft.{name}") for name in _ASKING]
    names = ("is_bnb_available", "is_bnb_4bit_available")
    kept = [
        (module, name, vars(module)[name])
        for module in asking
        for name in names
        if name in vars(module)
    ]
    for module, name, _ in kept:
        setattr(module, name, bool)  # bool() is False
    try:
        yield
    finally:
        for module, name, function in kept:
            setattr(module, name, function)
