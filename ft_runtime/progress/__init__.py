"""Progress that a person can read: in a notebook, in a terminal and in a log file."""

from __future__ import annotations

from ft_runtime.progress.board import Board, together, track
from ft_runtime.progress.frame import Frame
from ft_runtime.progress.wish import in_notebook, live, shown, silence_libraries, wanted

__all__ = [
    "Board",
    "Frame",
    "in_notebook",
    "live",
    "shown",
    "silence_libraries",
    "together",
    "track",
    "wanted",
]
