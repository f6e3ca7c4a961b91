"""Whether to show progress, and where somebody could see it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ft_runtime import processes
from ft_runtime.imports import import_transformers, load

_asked: list[bool | None] = []


def wanted(asked: bool | None = None) -> bool:
    """Tell whether to show progress at all; one process of several does.

    Parameters
    ----------
    asked : bool, optional
        The user's word; without one, that of the `shown` around this call, else True.
    """
    if not processes.is_main():
        return False
    if asked is None:
        asked = next((word for word in reversed(_asked) if word is not None), None)
    return asked is not False


def live(asked: bool | None = None) -> bool:
    """Tell whether somebody watches who was not refused: a notebook, a terminal, or on request.

    A log file or a pipe gets a line now and then, and no bar that draws over itself.
    """
    if not wanted(asked):
        return False
    return asked is True or in_notebook() or sys.stderr.isatty()


@contextmanager
def shown(asked: bool | None) -> Iterator[None]:
    """Let `asked` be the user's word while the block runs; None leaves it as it is."""
    _asked.append(asked)
    try:
        yield
    finally:
        _asked.pop()


def in_notebook() -> bool:
    """Return True inside an IPython kernel; IPython is not imported to find out."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return hasattr(shell, "kernel")


def silence_libraries() -> None:
    """Turn the progress bars of transformers and datasets off, for this process."""
    import_transformers()
    from transformers.utils import logging

    logging.disable_progress_bar()
    load("datasets").disable_progress_bars()
