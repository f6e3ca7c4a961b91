"""Reading, checking and splitting data: rows in, rows out, none lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ft_runtime.lazy import exports

if TYPE_CHECKING:
    from ft_runtime.data.detect import Detected, as_yaml, detect_format
    from ft_runtime.data.load import check_rows, load_rows
    from ft_runtime.data.rows import Row, RowSet, Source
    from ft_runtime.data.split import check_splits, split_rows
    from ft_runtime.data.splits import Splits

# Loaded when asked for: the data doctor uses parts of this room, and this room the doctor.
_HOMES = {
    "Detected": "detect",
    "Row": "rows",
    "RowSet": "rows",
    "Source": "rows",
    "Splits": "splits",
    "as_yaml": "detect",
    "check_rows": "load",
    "check_splits": "split",
    "detect_format": "detect",
    "load_rows": "load",
    "split_rows": "split",
}
__all__ = [
    "Detected",
    "Row",
    "RowSet",
    "Source",
    "Splits",
    "as_yaml",
    "check_rows",
    "check_splits",
    "detect_format",
    "load_rows",
    "split_rows",
]


__getattr__ = exports(__name__, _HOMES)
