"""One byte range of one file as a piece of work that can be sent to another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ft_runtime.doctor.csv.scan import scan_records
from ft_runtime.doctor.csv.start import record_start
from ft_runtime.doctor.csv.table import Table
from ft_runtime.doctor.jsonl.compiled import reader
from ft_runtime.doctor.jsonl.layout import make_layout
from ft_runtime.doctor.jsonl.scan import Marker, scan_range
from ft_runtime.doctor.opening import State, opened
from ft_runtime.doctor.part import Part
from ft_runtime.doctor.secrets.find import marker


@dataclass(frozen=True)
class Task:
    """A byte range to scan.

    Attributes
    ----------
    path : str
    state : State
        Of the file when the scan began; a part scanned in another state is invalid.
    start, stop : int
    format : str
    columns : dict
        Canonical name to name in the file.
    table : Table or None
        For CSV.
    exact : bool
        A row begins at `start`. Otherwise, for CSV, `quotes` says whether the number of quotes
        before ``start - 1`` is odd.
    kernels : bool
        Use those that are compiled: see `kernels`.
    """

    path: str
    state: State
    start: int
    stop: int
    format: str
    columns: dict[str, str]
    table: Table | None
    secrets: bool
    phone: bool
    oddities: bool
    block: int
    limit: int
    exact: bool = True
    quotes: bool = False
    kernels: bool = False


def marker_for(task: Task) -> Marker | None:
    """Return the marker of all the checks on text that the task asks for."""
    if not (task.secrets or task.phone or task.oddities):
        return None
    return marker(task.secrets, task.phone, task.oddities, task.kernels)


def keep_memory() -> None:
    """Let the C library keep the memory of a block for the next, not give it back each time.

    glibc maps large arrays apart and gives a free top of the heap back, until an array of that
    size was freed once: then it takes the size for usual. The array here is never touched, so it
    costs nothing; other C libraries do not mind.
    """
    import numpy as np

    np.empty(31 << 20, np.uint8)


def run_task(task: Task, feed: Callable[[Any], None] | None = None) -> Part:
    """Scan one range; top level, so that it can be sent to a spawned process."""
    keep_memory()
    with opened(task.path) as handle:
        state = State.of(handle)
        options: dict[str, Any] = {
            "block": task.block,
            "limit": task.limit,
            "marker": marker_for(task),
            "feed": feed,
        }
        size = task.state.size
        if task.table:
            start = task.start
            if not task.exact:
                start = record_start(handle, start, size, task.quotes, task.block)
            part = scan_records(handle, start, task.stop, size, task.table, **options)
        else:
            layout = make_layout(task.format, task.columns)
            if task.kernels:
                layout.reader = reader(layout)
            part = scan_range(
                handle, task.start, task.stop, size, layout, exact=task.exact, **options
            )
            part.extras.update(layout.extras)
        part.changed |= state != task.state or State.of(handle) != task.state
        return part
