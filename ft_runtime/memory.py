"""How much memory this process has, and may have, on the machine or on the GPU."""

from __future__ import annotations

import os
from pathlib import Path

_NO_LIMIT = 1 << 60
# cgroup version 2, then version 1.
_CGROUP = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
)


def used(device_type: str) -> int:
    """Return the bytes in use: most of the GPU's that torch ever held, else this process's RSS."""
    if device_type == "cuda":
        import torch

        return int(torch.cuda.max_memory_reserved())
    import psutil

    return int(psutil.Process().memory_info().rss)


def available(device_type: str) -> int:
    """Return the bytes that can still be had.

    On a CPU the smallest of what the machine has left, what the container may have (cgroup), and
    what the process may have (``ulimit -v``).
    """
    if device_type == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info()
        held = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return int(free + held)
    import psutil

    return min(int(psutil.virtual_memory().available), _container(), _process())


def _container() -> int:
    for folder, limit, current in _CGROUP:
        try:
            most = (folder / limit).read_text().strip()
            now = int((folder / current).read_text()) - _files(folder)
        except (OSError, ValueError):
            continue
        if most.isdigit() and int(most) < _NO_LIMIT:
            return max(0, int(most) - now)
    return _NO_LIMIT


def _files(folder: Path) -> int:
    """Return the bytes of files that the kernel keeps at hand and gives up when asked to."""
    lines = (folder / "memory.stat").read_text().splitlines()
    found = dict(line.split() for line in lines if len(line.split()) == 2)
    return int(found.get("total_inactive_file", found.get("inactive_file", 0)))


def _process() -> int:
    if os.name != "posix":
        return _NO_LIMIT
    import resource

    import psutil

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return _NO_LIMIT
    return max(0, limit - int(psutil.Process().memory_info().vms))
