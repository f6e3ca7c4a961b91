"""The kernel that runs a notebook: this very Python, reached without a port."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import zmq
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

_LONGEST = 96
"""Bytes of a connection file's path; the system allows about 104 for the sockets beside it."""


class ThisPython(AsyncKernelManager):
    """Starts the Python that we run in; a user's kernel spec ``python3`` may point elsewhere.

    It is reached by sockets in a folder that nobody else may enter, where the system has such: a
    port that is free when it is chosen may be taken by the time that the kernel binds it. What goes
    to and from the kernel is encrypted where ipykernel and ZeroMQ can do it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._folder = tempfile.TemporaryDirectory(prefix="ft-kernel-", ignore_cleanup_errors=True)
        place = Path(self._folder.name).resolve() / "kernel.json"
        if os.name == "posix" and zmq.has("ipc") and len(os.fsencode(place)) <= _LONGEST:
            self.transport = "ipc"
            self.connection_file = str(place)
        if self.has_trait("transport_encryption") and zmq.has("curve"):
            self.set_trait("transport_encryption", "auto")

    @property
    def kernel_spec(self) -> KernelSpec:
        """The spec of this Python's ipykernel."""
        return KernelSpec(**get_kernel_dict())

    async def cleanup_resources(self, restart: bool = False) -> None:  # type: ignore[override]
        """Remove what a kernel that has ended leaves, the folder of its sockets among it."""
        await super().cleanup_resources(restart=restart)
        if not restart:
            self._folder.cleanup()
