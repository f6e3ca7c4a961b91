"""Running the parts of a scan in several processes, where that pays."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ft_runtime.doctor.part import Part
from ft_runtime.doctor.task import Task, run_task

__all__ = ["Task", "default_workers", "pool", "result", "run_task", "submit"]


def default_workers(size: int) -> int:
    """Return how many processes a file of `size` bytes is worth, on the cores that we may use."""
    if size < 64 << 20:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, 8, size >> 25))


def _method() -> str:
    """Fork copies what is imported in no time, and is safe in a process with one thread alone."""
    if sys.platform == "linux" and threading.active_count() == 1:
        return "fork"
    return "spawn"


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor | None]:
    """Give a pool of processes, or None for one worker: then the caller does the work.

    None too where the system has no semaphores for a pool, as with a ``/dev/shm`` that is full or
    may not be written to.
    """
    if workers <= 1:
        yield None
        return
    method = _method()
    if method == "fork":
        # What is imported here need not be imported by every worker.
        for name in ("numpy", "msgspec", "xxhash"):
            import_module(name)
    context = multiprocessing.get_context(method)
    try:
        made = ProcessPoolExecutor(workers, mp_context=context)
    except (ImportError, NotImplementedError, OSError):
        yield None
        return
    with made as executor:
        yield executor


def submit(executor: ProcessPoolExecutor, task: Task) -> Future[Part] | None:
    """Hand a task to the pool; None when that has broken, or there is no room for its processes."""
    try:
        return executor.submit(run_task, task)
    except BrokenProcessPool:
        return None
    except (OSError, RuntimeError):  # no further process, or no thread that minds them
        _end(executor)
        return None


def _end(executor: Any) -> None:
    """Let go of what was started, which would wait for work for ever."""
    for process in list((executor._processes or {}).values()):
        process.kill()
    manager = executor._executor_manager_thread
    if manager is not None and manager.ident is None:
        executor._executor_manager_thread = None  # what has not begun cannot be waited for


def result(task: Task, future: Future[Part] | None) -> Part:
    """Return what a worker has made of a task; where it was killed, do its work here.

    The system kills a worker when memory runs out, and with it the pool; one process takes less.
    """
    if future is not None:
        with contextlib.suppress(BrokenProcessPool):
            return future.result()
    return run_task(task)
