from __future__ import annotations

from collections.abc import Iterator

import pytest

from ft_runtime.runs import start


@pytest.fixture(autouse=True)
def _close_runs() -> Iterator[None]:
    """Each test stands for a process of its own: no run stays open."""
    yield
    for run in list(start._open.values()):
        run.close()
    start._open.clear()
