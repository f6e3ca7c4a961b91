"""Cells into the open notebook, by way of the extension of JupyterLab, when it is there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from ft_runtime.data.places import printable
from ft_runtime.findings import Finding, finding, text

TARGET = "jupyter_ft"
TIMEOUT = 10.0
"""Seconds until silence is told of: some front ends do not say that they know no such target."""

Cancel = Callable[[], object]
Done = Callable[["str | Finding"], None]


class Insertion:
    """One request to insert cells, which ends exactly once: inserted, refused or closed.

    Silence is told of and is no end: a page that is slow has put the cells there all the same, and
    its answer then takes the place of what was told.

    Parameters
    ----------
    cells : list of dict
        Cells as in a notebook file.
    done : callable
        Gets a sentence on what was inserted, replaced and kept, or a finding that says what to do
        instead; first of silence, if there was one.
    new_comm : callable, optional
        Makes a comm that is not yet open, or returns None where there is no kernel.
    later : callable, optional
        Calls a function after so many seconds, and returns what cancels that.
    """

    def __init__(
        self,
        cells: list[dict[str, Any]],
        done: Done,
        new_comm: Callable[[], Any] | None = None,
        later: Callable[[float, Callable[[], None]], Cancel] | None = None,
    ) -> None:
        self._done: Done | None = done
        # The answer may come on another thread than that of the clock.
        self._telling = threading.RLock()
        self._cancel: Cancel | None = None
        self._comm = (new_comm or kernel_comm)()
        if self._comm is None:
            self._end(finding("wizard.no_kernel"))
            return
        self._comm.on_msg(self._told)
        self._comm.on_close(self._closed)
        self._cancel = (later or call_later)(TIMEOUT, self._silent)
        # Opened last: the answer may come at once.
        self._comm.open({"action": "insert", "cells": cells})

    def _told(self, message: dict[str, Any]) -> None:
        data = message.get("content", {}).get("data", {})
        if data.get("status") == "inserted":
            said = data.get("message")
            plain = text("wizard.inserted", count=data.get("count", 0))
            self._end(printable(said, 2000) if isinstance(said, str) and said else plain)
        else:
            problem = printable(str(data.get("message") or data), 300)
            self._end(finding("wizard.refused", problem=problem))

    def _closed(self, _message: dict[str, Any]) -> None:
        self._end(finding("wizard.no_extension"))

    def _silent(self) -> None:
        with self._telling:
            if self._done is not None:
                self._done(finding("wizard.silence", seconds=f"{TIMEOUT:g}"))

    def _end(self, result: str | Finding) -> None:
        with self._telling:
            done, self._done = self._done, None
            if done is None:
                return
            if self._cancel is not None:
                self._cancel()
            done(result)


def kernel_comm() -> Any:
    """Return a comm of this kernel that is not yet open, or None where there is no kernel."""
    try:
        import ipykernel
        from ipykernel.kernelbase import Kernel
    except ImportError:
        return None
    if not Kernel.initialized():
        return None
    # `primary` is what makes a comm open itself; it is to be listened to first.
    if ipykernel.version_info[:2] >= (6, 18):
        from comm import create_comm

        comm: Any = create_comm(target_name=TARGET, primary=False)
    else:
        from ipykernel.comm import Comm

        comm = Comm(target_name=TARGET, primary=False)
    comm.primary = True
    return comm


def call_later(seconds: float, call: Callable[[], None]) -> Cancel:
    """Call a function later: in the loop that runs, which keeps the cell that it belongs to."""
    try:
        return asyncio.get_running_loop().call_later(seconds, call).cancel
    except RuntimeError:
        timer = threading.Timer(seconds, call)
        timer.daemon = True
        timer.start()
        return timer.cancel
