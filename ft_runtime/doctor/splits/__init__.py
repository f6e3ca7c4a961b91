"""The split doctor: what a split would do to the rows, and the split that is safe."""

from __future__ import annotations

from ft_runtime.doctor.splits.doctor import SplitReport, examine_split
from ft_runtime.doctor.splits.sides import SIDES, Members, assign, safe_sides
from ft_runtime.doctor.splits.write import write_splits

__all__ = [
    "SIDES",
    "Members",
    "SplitReport",
    "assign",
    "examine_split",
    "safe_sides",
    "write_splits",
]
