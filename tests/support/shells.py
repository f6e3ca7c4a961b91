"""The end of a shell of IPython that a test has made."""

from __future__ import annotations

import atexit

from IPython.core.interactiveshell import InteractiveShell


def end_shell() -> None:
    """Let the next test begin without a shell, and none be left to the end of the process."""
    if not InteractiveShell.initialized():
        return
    shell = InteractiveShell.instance()
    atexit.unregister(shell.atexit_operations)
    shell.atexit_operations()
    InteractiveShell.clear_instance()
