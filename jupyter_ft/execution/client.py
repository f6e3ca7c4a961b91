"""nbclient with three additions: progress, signals handed to the kernel, and this very Python."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import zmq
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from ft_runtime.files import write_bytes_atomic
from ft_runtime.findings import text
from ft_runtime.printing import say
from jupyter_ft.builder.notebook import notebook_bytes
from jupyter_ft.execution.echo import echo


class ThisPython(AsyncKernelManager):
    """Starts the Python that we run in; a user's kernel spec ``python3`` may point elsewhere.

    What goes to and from the kernel is encrypted where ipykernel and ZeroMQ can do it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.has_trait("transport_encryption") and zmq.has("curve"):
            self.set_trait("transport_encryption", "auto")

    @property
    def kernel_spec(self) -> KernelSpec:
        """The spec of this Python's ipykernel."""
        return KernelSpec(**get_kernel_dict())


class Client(NotebookClient):
    """Executes a notebook.

    Attributes
    ----------
    running : str
        Id of the cell that was started last.
    stopping : bool
        True once a signal has asked for a stop.
    """

    running = ""
    stopping = False
    show = True

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Print what a cell prints, besides keeping it."""
        if self.show:
            echo(msg)
        return super().process_message(msg, cell, cell_index)

    async def async_start_new_kernel(self, **options: Any) -> Any:
        """Start the kernel; a signal that comes before the first cell gives up."""
        task = asyncio.current_task()
        assert task is not None
        _on_signals(lambda: self.give_up(task))
        return await super().async_start_new_kernel(**options)

    async def async_start_new_kernel_client(self) -> Any:
        """Wait for the kernel, and leave none behind when that is given up."""
        manager: Any = self.km
        try:
            return await super().async_start_new_kernel_client()
        except asyncio.CancelledError:
            await manager.shutdown_kernel(now=True)
            raise

    def give_up(self, task: asyncio.Task[Any]) -> None:
        """Stop before anything runs."""
        self.stopping = True
        task.cancel()

    def hand_signals_to_kernel(self, **_: Any) -> None:
        """Replace nbclient's handlers, which end the kernel, for as long as the notebook runs."""
        _on_signals(lambda: asyncio.ensure_future(self.stop()))

    async def stop(self) -> None:
        """Interrupt the kernel; the second time, end it."""
        manager: Any = self.km
        if self.stopping:
            await manager.shutdown_kernel(now=True)
            return
        self.stopping = True
        say("\n" + text("build.stopping"), sys.stderr)
        await manager.interrupt_kernel()

    def tell(self, cell: Any, cell_index: int) -> None:
        """Say which cell runs now."""
        if cell.cell_type != "code":
            return
        self.running = cell.id
        if self.show:
            code = [i for i, item in enumerate(self.nb.cells) if item.cell_type == "code"]
            section = cell.metadata.get("jupyter_ft", {}).get("section", "")
            number, count = code.index(cell_index) + 1, len(code)
            line = text("build.cell", number=number, count=count, section=section, name=cell.id)
            say(line)


def _on_signals(action: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    # Not in a thread, and not on Windows, where nbclient goes without handlers, too.
    with contextlib.suppress(RuntimeError, ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, action)


def make_client(notebook: nbformat.NotebookNode, folder: Path, save: Path, show: bool) -> Client:
    """Return a client that is ready to execute; see `jupyter_ft.execution.execute_notebook`."""
    client = Client(
        notebook,
        timeout=None,
        # On a busy machine a kernel takes its time, and so does what it shows on its way here.
        startup_timeout=300,
        iopub_timeout=60,
        coalesce_streams=True,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(folder)}},
    )

    def keep(**_: Any) -> None:
        write_bytes_atomic(save, notebook_bytes(notebook))

    client.show = show
    client.on_notebook_start = client.hand_signals_to_kernel
    client.on_cell_start = client.tell
    client.on_cell_executed = keep
    return client
