"""An optional tier of the doctor: the loops over every byte, in Python that numba compiles.

Nothing depends on it: without numba, or where compiling fails, the same is found by numpy. A module
of kernels (`rows`, `marks`) is imported by `load` alone, which compiles it or takes what was
compiled before from the cache.
"""

from __future__ import annotations

from ft_runtime.doctor.kernels.choice import compile_all, compiled, load, wanted

__all__ = ["compile_all", "compiled", "load", "wanted"]
