"""Python's collector of garbage, kept out of the way of work that makes no garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_rest() -> Iterator[None]:
    """Keep the collector at rest where many objects are made that all stay, such as rows.

    It would look through them again and again as they become more, and find nothing: a third of
    the time of reading. What others make in the meantime is looked at afterwards.
    """
    working = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if working:
            gc.enable()
