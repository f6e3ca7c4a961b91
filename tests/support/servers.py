"""The end of a Jupyter server that a test has started."""

from __future__ import annotations

import subprocess
from typing import Any

_SECONDS = 20


def end(server: subprocess.Popen[Any]) -> None:
    """Ask a server to end until it does.

    jupyter_server gives up ending where a kernel is just being started or restarted: shutting that
    one down raises InvalidStateError (jupyter_client 8.10), and its loop goes on. Asked again, once
    the kernel is there, it ends.
    """
    while server.poll() is None:
        server.terminate()
        try:
            server.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            continue
