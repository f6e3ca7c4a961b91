"""The end of a Jupyter server that a test has started."""

from __future__ import annotations

import subprocess
from typing import Any

_TIMES, _SECONDS = 3, 20


def end(server: subprocess.Popen[Any]) -> None:
    """Ask a server to end, more than once, and end it when it does not.

    jupyter_server gives up ending where a kernel is just being started or restarted: shutting that
    one down raises InvalidStateError (jupyter_client 8.10), and its loop goes on. Asked again, once
    the kernel is there, it ends. How a server ends is not what these tests are about.
    """
    for _ in range(_TIMES):
        server.terminate()
        try:
            server.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
    server.kill()
    server.wait()
