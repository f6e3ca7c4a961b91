"""Machine code in files: kept whole, for one processor, and loaded by llvmlite."""

from __future__ import annotations

import contextlib
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from ft_runtime.files import sha256_bytes, write_bytes_atomic


def write(path: Path, symbol: str, code: bytes) -> None:
    """Keep the code of a function; a folder that cannot be written to keeps nothing."""
    head = {"symbol": symbol, "processor": _processor(), "sha256": sha256_bytes(code)}
    with contextlib.suppress(OSError):
        write_bytes_atomic(path, json.dumps(head).encode() + b"\n" + code)


def read(path: Path) -> tuple[str, bytes] | None:
    """Return the symbol and the code that `write` has kept; None for anything else.

    LLVM ends the process when code is damaged: it gets none that is not as it was written.
    """
    try:
        head, code = path.read_bytes().split(b"\n", 1)
        known = json.loads(head)
        if known["sha256"] == sha256_bytes(code) and known["processor"] == _processor():
            return str(known["symbol"]), code
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _processor() -> str:
    from llvmlite import binding

    features = str(binding.get_host_cpu_features().flatten()).encode()
    return f"{binding.get_host_cpu_name()} {hashlib.sha256(features).hexdigest()}"


@cache
def _target() -> Any:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_default_triple()


_engines: list[Any] = []


def link(symbol: str, code: bytes) -> int:
    """Return the address of a function whose code is loaded; it stays loaded."""
    from llvmlite import binding

    machine = _target().create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)  # the code goes when it goes
    return int(engine.get_function_address(symbol))
