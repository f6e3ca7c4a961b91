"""What this machine is: for the end of a notebook, and for a bug report."""

from __future__ import annotations

import html
import importlib.metadata
import importlib.util
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ft_runtime.findings import text

__all__ = ["Environment", "environment"]

PACKAGES = (
    "ft-runtime",
    "jupyter-ft",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "datasets",
    "tokenizers",
    "huggingface_hub",
    "safetensors",
    "bitsandbytes",
    "torchao",
    "numpy",
    "pandas",
    "scikit-learn",
    "sacrebleu",
    "rouge-score",
    "tensorboard",
    "ipykernel",
    "ipython",
    "ipywidgets",
)
_GIB = 1 << 30


@dataclass(frozen=True)
class Environment:
    """Python, machine and library versions.

    Attributes
    ----------
    python : str
        Version and implementation.
    system : str
        Operating system and architecture.
    cpu : str
        Model name; empty where the system does not tell.
    cores : int
        Logical CPUs that this process may use.
    memory, memory_free : int or None
        Main memory in bytes; None where the system does not tell.
    gpus : tuple of dict
        ``name``, ``memory`` in bytes and compute ``capability`` of each CUDA GPU.
    packages : dict
        Installed versions of the libraries that matter here; those that are absent are left out.
    """

    python: str
    system: str
    cpu: str
    cores: int
    memory: int | None
    memory_free: int | None
    gpus: tuple[dict[str, Any], ...]
    packages: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        return {**asdict(self), "gpus": list(self.gpus)}

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (text("devices.env_python"), self.python),
            (text("devices.env_system"), self.system),
            (
                text("devices.env_cpu"),
                text("devices.env_cores", name=self.cpu or "?", cores=self.cores),
            ),
        ]
        if self.memory is not None:
            free = "?" if self.memory_free is None else f"{self.memory_free / _GIB:.1f}"
            size = text("devices.env_bytes", total=f"{self.memory / _GIB:.1f}", free=free)
            rows.append((text("devices.env_memory"), size))
        cards = [
            f"{card['name']} ({card['memory'] / _GIB:.1f} GiB, {card['capability']})"
            for card in self.gpus
        ]
        rows.append((text("devices.env_gpu"), "; ".join(cards) or text("devices.env_none")))
        return rows + list(self.packages.items())

    def __repr__(self) -> str:
        rows = self._rows()
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)

    def _repr_html_(self) -> str:
        cells = (
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self._rows()
        )
        return f"<table>{''.join(cells)}</table>"


def environment() -> Environment:
    """Describe this process's Python, machine and libraries; nothing leaves the machine.

    Returns
    -------
    Environment
        Shows itself as a table in a notebook; `Environment.to_dict` gives plain data.
    """
    memory, free = _memory()
    return Environment(
        python=f"{platform.python_version()} ({platform.python_implementation()})",
        system=f"{platform.system()} {platform.release()} ({platform.machine()})",
        cpu=_cpu_name(),
        cores=_cores(),
        memory=memory,
        memory_free=free,
        gpus=tuple(_gpus()),
        packages=installed(PACKAGES),
    )


def installed(names: tuple[str, ...]) -> dict[str, str]:
    """Return the installed versions among `names`; nothing is imported."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _cores() -> int:
    if hasattr(
        os, "sched_getaffinity"
    ):  # Linux: a container or a job may allow fewer than there are
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _memory() -> tuple[int | None, int | None]:
    """Return total and available main memory in bytes."""
    if importlib.util.find_spec("psutil") is None:
        return None, None
    import psutil

    memory = psutil.virtual_memory()
    return int(memory.total), int(memory.available)


def _gpus() -> list[dict[str, Any]]:
    # torch takes a second to import: when nobody has, no GPU is in use here, but it is still asked.
    if "torch" not in sys.modules and importlib.util.find_spec("torch") is None:
        return []
    import torch

    found = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        card = torch.cuda.get_device_properties(index)
        found.append(
            {
                "name": card.name,
                "memory": int(card.total_memory),
                "capability": f"{card.major}.{card.minor}",
            }
        )
    return found
