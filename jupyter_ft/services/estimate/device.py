"""What the machine has, asked without torch: memory of the GPU or of the computer."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_SECONDS = 5
# Peak of dense matrix products in 16 bits, in operations a second, from NVIDIA's data sheets.
_PEAK = {
    "T4": 65e12, "P100": 21e12, "V100": 125e12, "L4": 121e12, "A10": 125e12, "A100": 312e12,
    "RTX 3090": 71e12, "RTX 4090": 165e12, "H100": 989e12, "H200": 989e12,
}  # fmt: skip
_SHARE = 0.3
_PER_CORE = 12e9
# Measured with AVX-512 BF16, one thread, a Llama of 20 million weights: 1.6 with LoRA and with full
# tuning, in processor time.
_BF16_GAIN = 1.6
_BF16 = frozenset({"avx512_bf16", "amx_tile"})


@dataclass(frozen=True)
class Machine:
    """What trains.

    Attributes
    ----------
    type : {"cpu", "cuda", "mps"}
    name : str
    memory : int or None
        In bytes.
    speed : float or None
        Operations a second that a training really reaches, on a CPU in float32; None when the
        device is not known.
    units : frozenset of str
        What this CPU multiplies bf16 with: ``avx512_bf16``, ``amx_tile``. Empty for another device,
        for a CPU without them, and where the system does not tell.
    """

    type: str
    name: str
    memory: int | None
    speed: float | None
    units: frozenset[str] = frozenset()

    def rate(self, mixed: bool) -> float | None:
        """Return the operations a second, with or without matrix products in 16 bits."""
        if self.speed is None or not (mixed and self.units):
            return self.speed
        return self.speed * _BF16_GAIN


def machine(asked: str) -> Machine:
    """Return the machine that a config asks for, as far as this computer knows it.

    Parameters
    ----------
    asked : {"auto", "cpu", "cuda", "mps"}
        ``hw.device``.
    """
    gpu = _gpu() if asked in ("auto", "cuda") else None
    if gpu is not None:
        return gpu
    if asked == "cuda":
        return Machine("cuda", "CUDA", None, None)
    if asked == "mps":
        return Machine("mps", "Apple GPU", _memory(), None)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Machine("cpu", "CPU", _memory(), _PER_CORE * (cores or 1), bf16_units())


def named(kind: str, memory: int | None, name: str = "") -> Machine:
    """Return a machine that the caller describes."""
    return Machine(kind, name or kind.upper(), memory, _speed(name) if kind == "cuda" else None)


def bf16_units(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return what `ft_runtime.devices.cpu_has_bf16` asks torch for, read from Linux.

    Parameters
    ----------
    cpuinfo : Path
        In the format of proc_cpuinfo(5); on other systems there is none.
    """
    try:
        with cpuinfo.open(encoding="utf-8", errors="replace") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return frozenset()
    return _BF16 & set(flags.partition(":")[2].split())


@lru_cache(maxsize=1)
def _gpu() -> Machine | None:
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        name, _, size = done.stdout.splitlines()[0].rpartition(",")
        return Machine("cuda", name.strip(), int(size) << 20, _speed(name))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def _speed(name: str) -> float | None:
    for known, peak in _PEAK.items():
        if re.search(rf"\b{re.escape(known)}\b", name):
            return peak * _SHARE
    return None


def _memory() -> int | None:
    """Return the memory of this computer, or of the container in which we are."""
    found = []
    with suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            found.append(int(Path(place).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return min(found) if found else None
