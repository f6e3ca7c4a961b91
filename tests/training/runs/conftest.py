from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from ft_runtime.runs import start
from support.places import Place

STEPS = 20


@pytest.fixture(autouse=True)
def _own_process() -> Iterator[None]:
    """Each test stands for a process of its own: one thread, no run left open."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    for run in list(start._open.values()):
        run.close()
    start._open.clear()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_causal_dir: Path) -> Place:
    """Where nothing has run yet. Copy it."""
    return Place.make(tmp_path_factory.mktemp("place") / "place", tiny_causal_dir)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Call the command line in this process, in a place."""
    from ft_runtime.cli import main

    def call(place: Place, *arguments: str) -> int:
        monkeypatch.chdir(place.folder)
        for run in list(start._open.values()):
            run.close()
        start._open.clear()
        return main(arguments)

    return call
