"""The data doctor: every row checked, explained and accounted for.

`scan` reads files once and returns a `Scan`; `detect` looks at the head of one file. The room is
laid out by concern: `opening` and `sniff` (may this be read at all), `jsonl` and `csv` (a fast
path that accepts whole blocks, a slow one that explains a row), `secrets`, `part` (what is known of
a byte range), `pool` and `task` (ranges over processes), `finish` and `across` (the result).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ft_runtime.lazy import exports

if TYPE_CHECKING:
    from ft_runtime.doctor.engine import CHECKS, scan
    from ft_runtime.doctor.head import Detection, detect
    from ft_runtime.doctor.result import FileScan, Quantiles, Scan

_HOMES = {
    "CHECKS": "engine",
    "Detection": "head",
    "FileScan": "result",
    "Quantiles": "result",
    "Scan": "result",
    "detect": "head",
    "scan": "engine",
}
__all__ = ["CHECKS", "Detection", "FileScan", "Quantiles", "Scan", "detect", "scan"]


__getattr__ = exports(__name__, _HOMES)
