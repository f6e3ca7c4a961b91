"""nbclient with two additions: progress, and signals that are handed to the kernel."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete

from ft_runtime.files import write_bytes_atomic
from ft_runtime.findings import text
from ft_runtime.printing import say
from jupyter_ft.builder.notebook import notebook_bytes
from jupyter_ft.execution.echo import echo
from jupyter_ft.execution.kernel import ThisPython

_START_SECONDS = 300
"""In which a kernel has to answer: of a new environment every file is read for the first time."""
_OUTPUT_SECONDS = 60
"""In which the rest of what a cell shows has to come, once the kernel has said that it is over."""
_REPLY_SECONDS = 30
"""In which the kernel says how a cell ended that was interrupted, once it rests."""


class NotStartedError(Exception):
    """The kernel has ended before it ran anything, or does not answer."""


class StoppedError(Exception):
    """A stop was asked for before this cell was begun."""


class Client(NotebookClient):
    """Executes a notebook.

    Attributes
    ----------
    running : str
        Id of the cell that was started last, or would be next when a stop was asked for.
    stopping : bool
        True once a signal has asked for a stop.
    """

    running = ""
    stopping = False
    show = True
    _executing = False
    _interrupting: asyncio.Future[None] | None = None

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Print what a cell prints, besides keeping it; know when the kernel executes it."""
        if self.show:
            echo(msg)
        if msg["msg_type"] == "execute_input":
            self._executing = True
            if self.stopping:
                self._interrupting = asyncio.ensure_future(self.interrupt())
        try:
            return super().process_message(msg, cell, cell_index)
        except CellExecutionComplete:
            self._executing = False
            if self.stopping and self.task_poll_for_reply is not None:
                # ipykernel sends no reply when it was interrupted in code of its own.
                loop = asyncio.get_running_loop()
                loop.call_later(_REPLY_SECONDS, self.task_poll_for_reply.cancel)
            raise

    async def async_start_new_kernel(self, **options: Any) -> Any:
        """Start the kernel; a signal that comes before the first cell gives up."""
        task = asyncio.current_task()
        assert task is not None
        _on_signals(lambda: self.give_up(task))
        async with self._none_left_behind():
            return await super().async_start_new_kernel(**options)

    async def async_start_new_kernel_client(self) -> Any:
        """Wait for the kernel.

        Raises
        ------
        NotStartedError
            When it ends, or does not answer.
        """
        async with self._none_left_behind():
            try:
                return await super().async_start_new_kernel_client()
            except RuntimeError as error:
                raise NotStartedError(str(error)) from None

    @contextlib.asynccontextmanager
    async def _none_left_behind(self) -> AsyncIterator[None]:
        """Leave neither a kernel nor a handler, of its end or of signals, where no cell is run."""
        manager: Any = self.km
        try:
            yield
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                await manager.shutdown_kernel(now=True)
                await self._async_cleanup_kernel()
            atexit.unregister(self._cleanup_kernel)
            _on_signals(None)
            raise

    def give_up(self, task: asyncio.Task[Any]) -> None:
        """Stop before anything runs."""
        self.stopping = True
        task.cancel()

    def hand_signals_to_kernel(self, **_: Any) -> None:
        """Replace nbclient's handlers, which end the kernel, for as long as the notebook runs."""
        _on_signals(lambda: asyncio.ensure_future(self.stop()))

    async def stop(self) -> None:
        """Interrupt the cell that the kernel executes, and begin no other; the second time, end it.

        A kernel that executes nothing does not listen to an interrupt. One that was sent a cell is
        interrupted when it begins; between two cells there is nothing to interrupt.
        """
        manager: Any = self.km
        if manager is None:  # all is over
            return
        if self.stopping:
            await manager.shutdown_kernel(now=True)
            return
        self.stopping = True
        say("\n" + text("build.stopping"), sys.stderr)
        if self._executing:
            await self.interrupt()

    async def interrupt(self) -> None:
        """Interrupt the kernel, unless it is gone."""
        manager: Any = self.km
        if manager is not None and manager.has_kernel:
            await manager.interrupt_kernel()

    def tell(self, cell: Any, cell_index: int) -> None:
        """Say which cell runs now.

        Raises
        ------
        StoppedError
            In place of a cell that would begin after a stop was asked for.
        """
        if cell.cell_type != "code":
            return
        self.running = cell.id
        if self.stopping:
            raise StoppedError
        if self.show:
            code = [i for i, item in enumerate(self.nb.cells) if item.cell_type == "code"]
            section = cell.metadata.get("jupyter_ft", {}).get("section", "")
            number, count = code.index(cell_index) + 1, len(code)
            line = text("build.cell", number=number, count=count, section=section, name=cell.id)
            say(line)


def _on_signals(action: Callable[[], object] | None) -> None:
    """Have something done on Ctrl-C and SIGTERM; None for what Python does by itself."""
    loop = asyncio.get_running_loop()
    # Not in a thread, and not on Windows, where nbclient goes without handlers, too.
    with contextlib.suppress(RuntimeError, ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            if action is None:
                loop.remove_signal_handler(number)
            else:
                loop.add_signal_handler(number, action)


def make_client(notebook: nbformat.NotebookNode, folder: Path, save: Path, show: bool) -> Client:
    """Return a client that is ready to execute; see `jupyter_ft.execution.execute_notebook`."""
    client = Client(
        notebook,
        timeout=None,
        startup_timeout=_START_SECONDS,
        iopub_timeout=_OUTPUT_SECONDS,
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
