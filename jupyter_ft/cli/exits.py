"""Exit codes, the same as those of ``python -m ft_runtime``."""

from __future__ import annotations

from ft_runtime.cli import DONE, FOUND, INTERNAL, PAUSED

__all__ = ["DONE", "FOUND", "INTERNAL", "PAUSED"]
