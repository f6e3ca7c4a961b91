"""An optional tier of the doctor: the loops over every byte, in Python that numba compiles.

Nothing depends on it: without numba, or where compiling fails, the same is found by numpy. `load`
gives a module of kernels (`rows`, `marks`) when it is ready for use: compiled now, or before and
kept in the cache.
"""

from __future__ import annotations

from ft_runtime.doctor.kernels.choice import (
    MODULES,
    compile_all,
    compiled,
    load,
    missed,
    wanted,
)

__all__ = ["MODULES", "compile_all", "compiled", "load", "missed", "wanted"]
