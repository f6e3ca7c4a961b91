"""When to show progress bars."""

from __future__ import annotations

import sys


def wanted(asked: bool | None = None) -> bool:
    """Tell whether to draw progress bars.

    Parameters
    ----------
    asked : bool, optional
        The user's word; without one, bars are drawn in a notebook and in a terminal, and a log file
        or a pipe stays free of them.
    """
    if asked is not None:
        return asked
    return in_notebook() or sys.stderr.isatty()


def in_notebook() -> bool:
    """Return True inside an IPython kernel; IPython is not imported to find out."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return hasattr(shell, "kernel")


def silence_libraries() -> None:
    """Turn the progress bars of transformers and datasets off, for this process."""
    import datasets
    from transformers.utils import logging

    logging.disable_progress_bar()
    datasets.disable_progress_bars()
