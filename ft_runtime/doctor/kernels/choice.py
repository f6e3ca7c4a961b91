"""Whether the compiled kernels are used, and where they are kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
from functools import cache
from importlib import import_module, util
from pathlib import Path
from types import ModuleType

from ft_runtime.doctor.kernels.sweep import sweep, used
from ft_runtime.files import CACHE, cache_base
from ft_runtime.findings import Finding, finding

SWITCH = "FT_KERNELS"
"""Environment variable: ``off`` never uses the kernels, ``on`` uses them for a file of any size."""

MODULES = ("rows", "marks")
# Bytes from which loading what is compiled pays, and from which compiling pays for one file.
WORTH_LOADING = 64 << 20
WORTH_COMPILING = 8 << 30
# What is compiled into kernels besides their own sources.
_PARTS = ("../blank.py", "../hashing.py", "../jsonl/layout.py")


def wanted(size: int) -> bool:
    """Return whether `size` bytes are to be scanned by the kernels.

    They are where numba can be found and the switch is not off, if they were compiled before or
    there is so much to scan that it pays to compile them now.
    """
    asked = _asked()
    if asked is False or not available():
        return False
    return bool(asked) or size >= WORTH_COMPILING or (size >= WORTH_LOADING and compiled())


def missed(size: int) -> bool:
    """Return whether a scan of `size` bytes goes without kernels because none are compiled yet."""
    return (
        size >= WORTH_LOADING
        and _asked() is None
        and available()
        and cache_folder() is not None
        and not wanted(size)
    )


def _asked() -> bool | None:
    asked = os.environ.get(SWITCH, "").strip().lower()
    if asked in ("off", "0", "no", "false"):
        return False
    return True if asked in ("on", "1", "yes", "true") else None


def available() -> bool:
    """Return whether numba can be found; it is not imported."""
    return _numba() is not None


@cache
def _numba() -> Path | None:
    found = util.find_spec("numba")
    return Path(found.origin).parent if found and found.origin else None


def compiled() -> bool:
    """Return whether all kernels are kept: of these sources, this numba, this processor."""
    folder = cache_folder()
    return folder is not None and all(any(folder.glob(f"{name}.*")) for name in MODULES)


def cache_folder() -> Path | None:
    """Return where compiled kernels are kept; None when nothing is to be kept.

    The folder is named after all that the machine code depends on: our sources, and the rest.
    """
    base = cache_base()
    return None if base is None else base / "kernels" / _key()


@cache
def _key() -> str:
    here = Path(__file__).parent
    version, machine = hashlib.sha256(), hashlib.sha256()
    for path in (*sorted(here.glob("*.py")), *(here / part for part in _PARTS)):
        with contextlib.suppress(OSError):
            version.update(path.read_bytes())
    machine.update(f"{sys.implementation.cache_tag} {_processor()}".encode())
    if numba := _numba():
        with contextlib.suppress(OSError):
            machine.update((numba / "_version.py").read_bytes())
    return f"{version.hexdigest()[:16]}-{machine.hexdigest()[:16]}"


def _processor() -> str:
    """Return what tells processors apart whose instructions differ."""
    known = [platform.machine()]  # `platform.processor` would start a program
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as stream:
        for line in stream:
            if line.startswith(("model name", "flags", "Features")):
                known.append(line)
            elif not line.strip():  # the end of the first of them
                break
    return "\n".join(known)


@cache
def load(name: str) -> ModuleType | None:
    """Return a module of kernels ready for use; None where it cannot be had, for any reason.

    What is not kept is compiled, which takes some seconds: ask `wanted` first.
    """
    from ft_runtime.doctor.kernels.jit import Kernel

    try:
        module = import_module(f"{__package__}.{name}")
        for each in list(vars(module).values()):
            if isinstance(each, Kernel):
                each.ready()
    except Exception:  # whatever is wrong with a library that need not be there
        return None
    if folder := cache_folder():
        used(folder)
    return module


def compile_all() -> Path | Finding:
    """Compile all kernels that are not kept yet; return the folder that keeps them.

    Where some were not, those of other versions go that were not used for long.

    Returns
    -------
    Path or Finding
        ``data.no_numba``, ``data.no_kernel_cache``, ``data.kernels_failed``.
    """
    folder = cache_folder()
    if not available():
        return finding("data.no_numba", "numba")
    if folder is None:
        return finding("data.no_kernel_cache", CACHE)
    load.cache_clear()
    fresh = not compiled()
    if None in [load(name) for name in MODULES]:
        return finding("data.kernels_failed", "numba")
    if not compiled():
        return finding("data.no_kernel_cache", str(folder))
    if fresh:
        sweep(folder)
    return folder
