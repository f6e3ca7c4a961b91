"""In a kernel: "Interrupt" pauses the cell, and running it again goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.cells import execute

TESTS = Path(__file__).resolve().parents[2]

SETUP = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from support.toy_training import build, toy_config, weights_digest
from transformers import TrainerCallback
from ft_runtime.training import train
trainer, run = build(toy_config(Path("whole")))
train(trainer, run)
expected = weights_digest(trainer.model)

class Interrupt(TrainerCallback):
    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == 6:
            os.kill(os.getpid(), signal.SIGINT)

trainer, run = build(toy_config(Path("run")))
trainer.add_callback(Interrupt())
before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
"""
TRAIN = "result = train(trainer, run)\nresult"
AGAIN = (
    "assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before\n" + TRAIN
)
CHECK = "print(result.resumed_from, weights_digest(trainer.model) == expected)"


@pytest.fixture
def notebook(tmp_path):
    """The four cells, executed; errors are left in their outputs."""
    setup = SETUP.format(tests=str(TESTS))
    return execute(tmp_path, setup, TRAIN, AGAIN, CHECK, allow_errors=True)


def test_an_interrupted_cell_pauses_and_goes_on(notebook):
    _, train, again, check = notebook.cells
    assert [out for out in notebook.cells[0].outputs if out.output_type == "error"] == []
    (error,) = [out for out in train.outputs if out.output_type == "error"]
    assert error.ename == "TrainingPaused"
    # The findings, and no way through our code.
    assert "step 7 of 20" in "\n".join(error.traceback)
    assert "File" not in "\n".join(error.traceback)
    assert "Stopping at the end of this step" in "".join(
        out.get("text", "") for out in train.outputs
    )
    (shown,) = [out for out in again.outputs if out.output_type == "execute_result"]
    assert "20 of 20 steps" in shown.data["text/plain"]
    assert check.outputs[0].text.strip() == "7 True"
