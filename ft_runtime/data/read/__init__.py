"""Reading a data file: the rows as values, told apart and judged by the data doctor."""

from __future__ import annotations

from ft_runtime.data.read.contents import Contents, Record
from ft_runtime.data.read.file import read_file, read_head

__all__ = ["Contents", "Record", "read_file", "read_head"]
