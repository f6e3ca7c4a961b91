"""Which data a run saw, and what changed between two versions."""

from __future__ import annotations

from ft_runtime.doctor.identity.diff import Diff, diff
from ft_runtime.doctor.identity.record import FILE, ROWS, Record, read_record, record, write_record

__all__ = ["FILE", "ROWS", "Diff", "Record", "diff", "read_record", "record", "write_record"]
