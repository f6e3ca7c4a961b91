"""Reading a data file: opened safely, told apart by content, every row with its line."""

from __future__ import annotations

from ft_runtime.data.read.contents import Contents, Record
from ft_runtime.data.read.file import read_file

__all__ = ["Contents", "Record", "read_file"]
