"""Ctrl-C and SIGTERM reach the kernel: the first one politely, the second one for good."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
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
POLITE = """
import signal

class TrainingPaused(Exception):
    def _render_traceback_(self):
        return [str(self)]

def stop(*_):
    raise TrainingPaused("paused at step 3")

signal.signal(signal.SIGINT, stop)
print("ready", flush=True)
while True:  # `signal.pause` would miss a signal that comes just before it
    pass
"""
PLAIN = 'print("ready", flush=True)\nwhile True:\n    pass'
DEAF = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""


EARLY = """
import signal
from jupyter_ft.execution import client

class Early(client.ThisPython):
    async def start_kernel(self, **options):
        await super().start_kernel(**options)
        print("kernel", self.provisioner.pid, flush=True)
        signal.raise_signal(signal.SIGTERM)

client.ThisPython = Early
"""


def start(folder: Path, source: str, runner: str = RUNNER) -> tuple[subprocess.Popen[str], Path]:
    path = folder / "a.ipynb"
    cells = [nbformat.v4.new_code_cell(source, id="waits"), nbformat.v4.new_code_cell("1", id="b")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    process = subprocess.Popen(
        [sys.executable, "-c", runner, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return process, path


def read_until(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(rf"\b{word}\b", line):
            return
    raise AssertionError(f"no {word!r} in the output")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("source", "outcome"),
    [(POLITE, "paused waits paused at step 3"), (PLAIN, "interrupted waits")],
    ids=["a training", "any other cell"],
)
def test_a_signal_is_handed_to_the_kernel(
    tmp_path: Path, number: signal.Signals, source: str, outcome: str
):
    process, path = start(tmp_path, source)
    read_until(process, "ready")
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert f"outcome: {outcome}" in out
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].outputs[-1].output_type == "error"
    assert cells[1].execution_count is None


def test_a_second_signal_ends_a_kernel_that_does_not_listen(tmp_path: Path):
    process, _ = start(tmp_path, DEAF)
    read_until(process, "ready")
    process.send_signal(signal.SIGINT)
    read_until(process, "second Ctrl-C")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert "outcome: interrupted waits" in out


def test_a_signal_before_the_first_cell_leaves_no_kernel_behind(tmp_path: Path):
    process, path = start(tmp_path, PLAIN, EARLY + RUNNER)
    out, _ = process.communicate(timeout=60)
    assert "outcome: interrupted" in out
    assert "Traceback" not in out
    assert nbformat.read(path, as_version=4).cells[0].execution_count is None
    pid = int(re.search(r"kernel (\d+)", out)[1])
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
