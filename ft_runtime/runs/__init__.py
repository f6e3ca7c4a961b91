"""The run folder: what a run leaves behind, and how it goes on after a stop."""

from __future__ import annotations

from ft_runtime.runs.finish import finish_run
from ft_runtime.runs.folder import Run
from ft_runtime.runs.start import start_run

__all__ = ["Run", "finish_run", "start_run"]
