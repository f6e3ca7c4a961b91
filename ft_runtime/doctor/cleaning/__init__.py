"""A repaired copy of a data file, with a list of every change; the original is never touched."""

from __future__ import annotations

from ft_runtime.doctor.cleaning.fix import KINDS, Fixed, fix

__all__ = ["KINDS", "Fixed", "fix"]
