"""How kernels are compiled, and the few instructions that numba has no name for.

A module of kernels is written as usual with `kernel` and `inline` in the place of numba's own
decorators; importing it compiles it, or loads what is in the cache.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ft_runtime.doctor.kernels.choice import cache_folder

_lock = threading.Lock()


def inline(function: Callable[..., Any]) -> Any:
    """Make a function one that kernels may call; it becomes part of them."""
    from numba import njit

    compile: Any = njit(error_model="numpy", boundscheck=False)
    return compile(function)


def intrinsic(build: Callable[..., Any]) -> Any:
    """Make an instruction of LLVM one that kernels may call."""
    from numba.extending import intrinsic as make

    return make(build)


def kernel(signature: str) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function for the types of a signature, or load it as compiled before.

    Parameters
    ----------
    signature : str
        As numba writes it: ``"int64(uint8[::1], int64)"``.
    """
    from numba import njit

    def build(function: Callable[..., Any]) -> Any:
        with _kept() as keep:
            compile: Any = njit(signature, error_model="numpy", boundscheck=False, cache=keep)
            return compile(function)

    return build


@contextlib.contextmanager
def _kept() -> Iterator[bool]:
    """Let numba keep what it compiles in our folder; False where there is none to write to."""
    from numba.core import config as settings

    config: Any = settings
    folder = cache_folder()
    with contextlib.suppress(OSError):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    if folder is None or not os.access(folder, os.W_OK):
        yield False
        return
    with _lock:
        before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
        try:
            yield True
        finally:
            config.CACHE_DIR = before
