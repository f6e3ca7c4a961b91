"""What a kernel sends while a cell runs, for a terminal: text as it is, bars on one line."""

from __future__ import annotations

import html
import re
import sys
from typing import Any

# transformers draws its bar as HTML in a notebook: "[ 20/400 00:02 < 00:40, Epoch 1/10]" is in it.
_BAR = re.compile(r"<progress.*?\[\s*(\d+/\d+[^\]]*)\]", re.DOTALL)


def echo(message: dict[str, Any]) -> None:
    """Print a message of the kernel.

    Bars, which draw over themselves, are left out unless they go to a terminal.

    Parameters
    ----------
    message : dict
        From the kernel's iopub channel.
    """
    content = message["content"]
    if message["msg_type"] == "stream":
        stream = sys.stdout if content["name"] == "stdout" else sys.stderr
        if "\r" not in content["text"] or stream.isatty():
            print(content["text"], end="", file=stream, flush=True)
    elif sys.stderr.isatty():
        bar = _BAR.search(str(content.get("data", {}).get("text/html", "")))
        if bar:
            print(f"\r\033[K{html.unescape(bar[1]).strip()}", end="", file=sys.stderr, flush=True)
