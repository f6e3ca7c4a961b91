"""Reading, checking and splitting data: rows in, rows out, none lost."""

from __future__ import annotations

from ft_runtime.data.detect import Detected, as_yaml, detect_format
from ft_runtime.data.load import check_rows, load_rows
from ft_runtime.data.rows import Row, RowSet, Source
from ft_runtime.data.split import check_splits, split_rows
from ft_runtime.data.splits import Splits

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
