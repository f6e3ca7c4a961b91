"""Whether the compiled kernels are used, and where they are kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
from functools import cache
from importlib import import_module, metadata, util
from pathlib import Path
from types import ModuleType

SWITCH = "FT_KERNELS"
"""Environment variable: ``off`` never uses the kernels, ``on`` uses them for a file of any size."""

MODULES = ("rows", "marks")
# Bytes from which the import of numba is paid for, and from which compiling is as well.
WORTH_LOADING = 128 << 20
WORTH_COMPILING = 8 << 30
_MARK = "compiled"


def wanted(size: int) -> bool:
    """Return whether `size` bytes are to be scanned by the kernels.

    They are where numba can be found and the switch is not off, if they were compiled before or
    there is so much to scan that it pays to compile them now.
    """
    asked = os.environ.get(SWITCH, "").strip().lower()
    if asked in ("off", "0", "no", "false") or not available():
        return False
    if asked in ("on", "1", "yes", "true"):
        return True
    return size >= WORTH_LOADING and (size >= WORTH_COMPILING or compiled())


@cache
def available() -> bool:
    """Return whether numba can be found; it is not imported."""
    return util.find_spec("numba") is not None


def compiled() -> bool:
    """Return whether all kernels are in the cache: these sources, this numba, this processor."""
    folder = cache_folder()
    return folder is not None and (folder / _MARK).is_file() and os.access(folder, os.W_OK)


def cache_folder() -> Path | None:
    """Return where compiled kernels are kept; None when the cache is switched off.

    The folder is named after all that the machine code depends on.
    """
    from ft_runtime.tokens.cache import cache_folder as prepared

    base = prepared()
    return None if base is None else base.parent / "kernels" / _key()


@cache
def _key() -> str:
    digest = hashlib.sha256(f"{sys.implementation.cache_tag} {_processor()}".encode())
    with contextlib.suppress(metadata.PackageNotFoundError):
        digest.update(metadata.version("numba").encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """Return what tells processors apart whose instructions differ."""
    known = [platform.machine(), platform.processor()]
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

    What is not in the cache is compiled, which takes some seconds: ask `wanted` first.
    """
    try:
        return import_module(f"{__package__}.{name}")
    except Exception:  # whatever is wrong with a library that need not be there
        return None


def compile_all() -> bool:
    """Compile all kernels and keep them; return whether every one of them can be used."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernels of others: ours are tested without any
        done = [load(name) is not None for name in MODULES]
    folder = cache_folder()
    if all(done) and folder is not None:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / _MARK).touch()
    return all(done)
