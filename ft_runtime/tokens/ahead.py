"""One batch ahead: the tokenizer works on the next batch while Python finishes the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def ahead(work: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[tuple[Item, Made]]:
    """Yield each item with what `work` makes of it, in order; `work` runs in one other thread.

    Parameters
    ----------
    work : callable
        Worth a thread when it lets go of Python's lock, as tokenizers do.
    items : iterable
        Drawn in this thread, at most two beyond the one that is being looked at.
    """
    with ThreadPoolExecutor(1, "ft-ahead") as pool:
        waiting: tuple[Item, Future[Made]] | None = None
        for item in items:
            started = item, pool.submit(work, item)
            if waiting:
                yield waiting[0], waiting[1].result()
            waiting = started
        if waiting:
            yield waiting[0], waiting[1].result()
