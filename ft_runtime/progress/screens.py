"""Where a frame is drawn: a notebook's cell, a terminal's line, or a log file."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import Any, Protocol

from ft_runtime.progress.frame import Frame, line
from ft_runtime.progress.html import html
from ft_runtime.progress.wish import in_notebook


class Screen(Protocol):
    """Draws frames.

    Attributes
    ----------
    interval : float
        Seconds between two frames at least.
    patient : bool
        True where the first frame waits for an interval: nobody watches.
    """

    interval: float
    patient: bool

    def draw(self, frame: Frame) -> None:
        """Draw a frame in place of the last one."""

    def close(self, frame: Frame) -> None:
        """Draw the last frame, which stays."""


class Notebook:
    """One output of the running cell, updated in place; what is saved is the last frame.

    The front end needs no widgets, and a notebook that was run without one reads as well.
    """

    interval = 1.0
    patient = False

    def __init__(self) -> None:
        # os.urandom, and so no random state of the training is touched.
        self._id = f"ft-{os.urandom(8).hex()}"
        self._open = False

    def draw(self, frame: Frame) -> None:
        """Show the output, or change it."""
        from IPython.display import publish_display_data

        text = "\n".join([line(frame), *frame.lines])
        bundle = {"text/plain": text, "text/html": html(frame)}
        publish_display_data(bundle, transient={"display_id": self._id}, update=self._open)
        self._open = True

    close = draw


class Terminal:
    """The last line of a terminal, drawn over itself."""

    interval = 0.2
    patient = False

    def __init__(self, stream: Any = None) -> None:
        self._stream = stream or sys.stderr

    def draw(self, frame: Frame) -> None:
        """Draw the line and return to its beginning, so that whatever comes next starts there."""
        width = shutil.get_terminal_size().columns - 1
        self._write(f"\r\033[K{line(frame, width)}\r")

    def close(self, frame: Frame) -> None:
        """Leave the last line, whole, and begin a new one."""
        shown = "\n".join([*frame.lines, line(frame)] if frame.facts else frame.lines)
        self._write(f"\r\033[K{shown}\n" if shown else "\r\033[K")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


class Log:
    """A file or a pipe: a line now and then, and none of a short work."""

    interval = 30.0
    patient = True

    def __init__(self, stream: Any = None) -> None:
        self._stream = stream or sys.stderr

    def draw(self, frame: Frame) -> None:
        """Write a line."""
        with contextlib.suppress(OSError, ValueError):
            print(line(frame), file=self._stream, flush=True)

    def close(self, frame: Frame) -> None:
        """Write nothing: what comes of the work is told by whoever asked for it."""


def screen() -> Screen:
    """Return the screen of this process."""
    if in_notebook():
        return Notebook()
    return Terminal() if sys.stderr.isatty() else Log()
