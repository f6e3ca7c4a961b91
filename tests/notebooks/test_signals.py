"""Ctrl-C and SIGTERM reach the kernel: the first one politely, the second one for good."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import nbformat
import psutil
import pytest

RUNNER = """
import sys
from pathlib import Path
import nbformat
from jupyter_ft.execution import execute_notebook

path = Path(sys.argv[1])
outcome = execute_notebook(nbformat.read(path, as_version=4), path.parent, save=path)
print("outcome:", outcome.status, outcome.cell, outcome.message)
"""
# `signal.pause` would miss a signal that comes just before it.
ENDLESS = "while True:\n    pass"
POLITE = f"""
import signal

class TrainingPaused(Exception):
    def _render_traceback_(self):
        return [str(self)]

def stop(*_):
    raise TrainingPaused("paused at step 3")

signal.signal(signal.SIGINT, stop)
print("ready", flush=True)
{ENDLESS}
"""
PLAIN = f'print("ready", flush=True)\n{ENDLESS}'
DEAF = f"""
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
{ENDLESS}
"""
# What the kernel does when a signal interrupts code of its own: it rests, and sends no reply.
UNANSWERED = """
def interrupted(*_, **__):
    raise KeyboardInterrupt

get_ipython().kernel.do_execute = interrupted
"""

# Each of these sends the signal at a moment of its own.
LAUNCHING = """
import asyncio, signal
from jupyter_ft.execution import client

class Early(client.ThisPython):
    async def start_kernel(self, **options):
        start = asyncio.ensure_future(super().start_kernel(**options))
        while self.provisioner is None or self.provisioner.pid is None:
            await asyncio.sleep(0)
        print("kernel", self.provisioner.pid, flush=True)
        signal.raise_signal(signal.SIGTERM)
        await start

client.ThisPython = Early
"""
LAUNCHED = """
import signal
from jupyter_ft.execution import client

class Early(client.ThisPython):
    async def start_kernel(self, **options):
        await super().start_kernel(**options)
        print("kernel", self.provisioner.pid, flush=True)
        signal.raise_signal(signal.SIGTERM)

client.ThisPython = Early
"""
BEFORE_SENT = """
import signal
from jupyter_ft.execution import client

class Sending(client.Client):
    def tell(self, cell, cell_index):
        super().tell(cell, cell_index)
        if cell.id == "b":
            signal.raise_signal(signal.SIGTERM)

client.Client = Sending
"""
AFTER_DONE = """
import asyncio, signal
from jupyter_ft.execution import client

class Done(client.Client):
    async def _check_raise_for_error(self, cell, cell_index, reply):
        await super()._check_raise_for_error(cell, cell_index, reply)
        signal.raise_signal(signal.SIGTERM)
        while not self.stopping:
            await asyncio.sleep(0)

client.Client = Done
"""
IMPATIENT = "from jupyter_ft.execution import client\nclient._REPLY_SECONDS = 0.1\n"


class Run:
    """A notebook of two cells, ``a`` and ``b``, that another process executes."""

    def __init__(self, folder: Path, sources: tuple[str, str], before: str) -> None:
        self.path = folder / "a.ipynb"
        cells = [nbformat.v4.new_code_cell(s, id=i) for i, s in zip("ab", sources, strict=True)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), self.path)
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + RUNNER, self.path],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def read_until(self, word: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if re.search(rf"\b{word}\b", line):
                return
        raise AssertionError(f"no {word!r} in the output")

    def rest(self) -> str:
        """What is printed until both the process and its kernel have ended."""
        assert self.process.stdout is not None
        text = self.process.stdout.read()
        self.process.wait()
        return text

    def cells(self) -> list[nbformat.NotebookNode]:
        return nbformat.read(self.path, as_version=4).cells

    def end(self) -> None:
        """End what a failed test has left."""
        processes = [self.process.pid] if self.process.poll() is None else []
        for process in map(psutil.Process, processes):
            for one in [*process.children(recursive=True), process]:
                one.kill()
        self.process.communicate()


Start = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(first: str, second: str = "1", before: str = "") -> Run:
            run = Run(tmp_path, (first, second), before)
            stack.callback(run.end)
            return run

        yield start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("source", "outcome"),
    [(POLITE, "paused a paused at step 3"), (PLAIN, "interrupted a")],
    ids=["a training", "any other cell"],
)
def test_a_signal_is_handed_to_the_kernel(
    start: Start, number: signal.Signals, source: str, outcome: str
):
    run = start(source)
    run.read_until("ready")
    run.process.send_signal(number)
    assert f"outcome: {outcome}" in run.rest()
    first, second = run.cells()
    assert first.outputs[-1].output_type == "error"
    assert second.execution_count is None


def test_a_second_signal_ends_a_kernel_that_does_not_listen(start: Start):
    run = start(DEAF)
    run.read_until("ready")
    run.process.send_signal(signal.SIGINT)
    run.read_until("second Ctrl-C")
    run.process.send_signal(signal.SIGINT)
    assert "outcome: interrupted a" in run.rest()


@pytest.mark.parametrize("moment", [LAUNCHING, LAUNCHED], ids=["launching", "launched"])
def test_a_signal_before_the_first_cell_leaves_no_kernel_behind(start: Start, moment: str):
    run = start(PLAIN, before=moment)
    run.read_until("kernel")
    out = run.rest()  # the kernel has our end of the pipe, too: that it closes tells its end
    assert "outcome: interrupted" in out
    assert "Traceback" not in out
    assert run.cells()[0].execution_count is None


def test_a_signal_before_the_kernel_executes_a_cell_waits_for_it(start: Start):
    """A kernel that executes nothing ignores an interrupt: this cell would go on for ever.

    Whether the interrupt meets the cell or the kernel's own code just before it is chance.
    """
    run = start("1", ENDLESS, IMPATIENT + BEFORE_SENT)
    assert "outcome: interrupted b" in run.rest()


def test_a_signal_after_a_cell_begins_no_other(start: Start):
    run = start("1", "2", AFTER_DONE)
    assert "outcome: interrupted b" in run.rest()
    assert [cell.execution_count for cell in run.cells()] == [1, None]


def test_a_kernel_that_is_interrupted_in_its_own_code_is_not_waited_for(start: Start):
    run = start(UNANSWERED, "1", IMPATIENT + BEFORE_SENT)
    assert "outcome: interrupted b" in run.rest()
