"""Batches ahead: the tokenizer works on the next ones while Python finishes the last one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_THREADS = 2
"""One batch's slowest row does not keep the next batch waiting."""

_DEPTH = 2
"""Batches that are worked on or wait while one is looked at: what they hold is memory."""

Item = TypeVar("Item")
Made = TypeVar("Made")


def ahead(work: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[tuple[Item, Made]]:
    """Yield each item with what `work` makes of it, in order; `work` runs in other threads.

    Parameters
    ----------
    work : callable
        Worth a thread when it lets go of Python's lock, as tokenizers do.
    items : iterable
        Drawn in this thread, at most `_DEPTH` beyond the one that is being looked at.
    """
    with ThreadPoolExecutor(_THREADS, "ft-ahead") as pool:
        waiting: deque[tuple[Item, Future[Made]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) > _DEPTH:
                done, made = waiting.popleft()
                yield done, made.result()
        while waiting:
            done, made = waiting.popleft()
            yield done, made.result()
