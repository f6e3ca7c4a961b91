"""What a kernel sends while a cell runs, for a terminal: text as it is, progress on one line."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from ft_runtime.printing import say
from ft_runtime.progress.html import MARK


def echo(message: dict[str, Any]) -> None:
    """Print a message of the kernel.

    Progress, which is drawn over itself, is left out unless it goes to a terminal.

    Parameters
    ----------
    message : dict
        From the kernel's iopub channel.
    """
    content = message["content"]
    if message["msg_type"] == "stream":
        stream = sys.stdout if content["name"] == "stdout" else sys.stderr
        if "\r" not in content["text"] or stream.isatty():
            say(_clear(stream) + content["text"], stream, end="")
        return
    data = content.get("data", {})
    if MARK in str(data.get("text/html", "")) and sys.stderr.isatty():
        line = str(data.get("text/plain", "")).split("\n", 1)[0]
        line = line[: shutil.get_terminal_size().columns - 1]
        say(f"\r\033[K{line}\r", sys.stderr, end="")


def _clear(stream: Any) -> str:
    """Return what takes a line of progress away, where there can be one."""
    return "\033[K" if stream.isatty() else ""
