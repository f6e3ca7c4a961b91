"""Ctrl-C and SIGTERM: stop at the end of the step, with a checkpoint."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from ft_runtime import processes
from ft_runtime.findings import clear_line, text


class StopRequest:
    """A wish to stop, made by a signal or by `request`, and read at the end of each step.

    Attributes
    ----------
    requested : bool
    """

    def __init__(self) -> None:
        self.requested = False

    def request(self) -> None:
        """Ask for a stop at the end of the current step."""
        self.requested = True

    def agree(self) -> bool:
        """Make it the wish of every process if it is that of one of them, and return it."""
        self.requested = processes.any_of(self.requested)
        return self.requested

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Let SIGTERM and the first Ctrl-C make the request while the block runs.

        A second Ctrl-C raises KeyboardInterrupt at once. The handlers that were there are put back
        afterwards. Python runs signal handlers in the main thread alone, so elsewhere this does
        nothing. It works in an ipykernel too, where "Interrupt" sends SIGINT to the main thread.
        """
        self.requested = False
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                # None: installed by C code, which Python cannot put back by name.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Several processes stop together or not at all; torchrun ends those that take too long.
        if number == signal.SIGINT and self.requested and processes.count() == 1:
            raise KeyboardInterrupt
        self.requested = True
        # A handler may interrupt a write to the same stream, which then refuses a second one.
        with contextlib.suppress(RuntimeError, OSError, ValueError):
            if processes.is_main():
                print(clear_line() + text("training.stopping"), file=sys.stderr, flush=True)
