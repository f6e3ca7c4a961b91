"""What a training shows while it goes on, and what stays of it."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from transformers import TrainerCallback

from ft_runtime.progress import Board
from ft_runtime.training import TrainingPaused, train
from ft_runtime.training.progress import progress_callback_class, show_progress
from support.cells import execute
from support.toy_training import CPU, build, toy_config, toy_data

TESTS = Path(__file__).resolve().parents[2]


class Screen:
    interval = 0.0
    patient = False

    def __init__(self):
        self.drawn, self.closed = [], []

    def draw(self, frame):
        self.drawn.append(frame)

    def close(self, frame):
        self.closed.append(frame)


class Clock(TrainerCallback):
    """A second a step."""

    now = 0.0

    def __call__(self):
        return self.now

    def on_step_end(self, args, state, control, **kwargs):
        self.now += 1.0


@pytest.fixture
def watched(monkeypatch):
    """Build a training whose progress is drawn on a list, without time passing for it."""
    monkeypatch.setattr("ft_runtime.memory.used", lambda device: 1_800_000_000)

    def make(folder, *overrides):
        trainer, run = build(toy_config(folder, *overrides))
        clock, screen = Clock(), Screen()
        trainer.add_callback(clock)
        shown = progress_callback_class()(
            lambda: trainer.tally.to_dict()["tokens"], clock, Board(screen, clock)
        )
        trainer.add_callback(shown)
        return trainer, run, screen

    return make


def test_a_training_shows_how_it_goes(tmp_path, watched):
    trainer, run, screen = watched(tmp_path / "run")
    train(trainer, run)
    steps = [frame for frame in screen.drawn if frame.title == "Training"]
    assert [frame.done for frame in steps] == list(range(21))
    assert {frame.total for frame in steps} == {20}
    rows = toy_data().train["input_ids"]
    tenth = steps[10]
    assert tenth.facts[0] == "epoch 1.00 of 2"
    assert re.fullmatch(r"loss \d\.\d{4}", tenth.facts[1])
    # Ten seconds for one epoch: all its rows, and none of the padding.
    assert tenth.facts[2:] == (
        f"{sum(map(len, rows)) / 10:,.0f} tokens/s", "0:10 left", "1.80 GB of memory",
    )  # fmt: skip
    assert [step for step, _ in tenth.curve] == list(range(1, 10))
    checks = [frame for frame in screen.drawn if frame.title == "Validation loss"]
    assert (checks[0].done, checks[0].total) == (1, 1)
    (last,) = screen.closed
    assert last.title == "Training finished"
    assert [fact.split()[0] for fact in last.facts] == [
        "epoch", "loss", "validation", f"{sum(map(len, rows)) / 10:,.0f}", "took", "1.80",
    ]  # fmt: skip
    assert [step for step, _ in last.marks] == [10, 20]


def test_a_resumed_training_shows_the_whole_curve_and_its_own_speed(tmp_path, watched):
    trainer, run, screen = watched(tmp_path / "run")

    class Pause(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == 6:
                ours = trainer.callback_handler.callbacks
                next(c for c in ours if hasattr(c, "stop")).stop.request()

    trainer.add_callback(Pause())
    with pytest.raises(TrainingPaused):
        train(trainer, run)
    assert screen.closed[0].title == "Training stopped"
    assert screen.closed[0].done == 7
    trainer.remove_callback(Pause)
    train(trainer, run)
    again = screen.closed[1]
    assert [step for step, _ in again.curve] == list(range(1, 21))
    assert "took 0:13" in again.facts


def test_a_training_that_fails_leaves_its_summary_too(tmp_path, watched, monkeypatch):
    trainer, run, screen = watched(tmp_path / "run")
    monkeypatch.setattr(trainer, "training_step", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(trainer, run)
    (last,) = screen.closed
    assert (last.title, last.done, last.total) == ("Training stopped", 0, 20)


def test_the_trainer_shows_nothing_of_its_own(tmp_path, monkeypatch):
    """Neither tqdm, nor the table of a notebook, nor a dict a line."""
    from transformers.trainer import DEFAULT_PROGRESS_CALLBACK

    from ft_runtime.training import build_trainer, training_arguments
    from support.toy_training import ToyTokenizer, toy_model

    config = toy_config(tmp_path / "run")
    trainer, run = build(config)
    names = {type(callback).__name__ for callback in trainer.callback_handler.callbacks}
    assert not {"PrinterCallback", "TrainingProgress", DEFAULT_PROGRESS_CALLBACK.__name__} & names
    args = training_arguments(config, CPU, run)
    trainer = build_trainer(config, toy_model(config), args, ToyTokenizer(), toy_data(), run)
    names = [type(callback).__name__ for callback in trainer.callback_handler.callbacks]
    assert names.count("TrainingProgress") == 1
    assert not {"PrinterCallback", DEFAULT_PROGRESS_CALLBACK.__name__} & set(names)


def test_the_bar_of_a_notebook_goes_too(tmp_path, monkeypatch):
    removed = []
    trainer = SimpleNamespace(
        args=SimpleNamespace(disable_tqdm=True), remove_callback=removed.append
    )
    monkeypatch.setattr("transformers.trainer.DEFAULT_PROGRESS_CALLBACK", "the notebook's")
    show_progress(trainer, int)
    assert "the notebook's" in removed


CELL = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from support.toy_training import CPU, ToyTokenizer, toy_config, toy_data, toy_model
from ft_runtime.progress import track
from ft_runtime.runs import start_run
from ft_runtime.training import build_trainer, train, training_arguments
config = toy_config(Path("run"))
run = start_run(config, CPU)
args = training_arguments(config, CPU, run)
trainer = build_trainer(config, toy_model(config), args, ToyTokenizer(), toy_data(), run)
"""


def test_an_executed_notebook_keeps_one_readable_summary(tmp_path):
    loop = "_ = list(track('ab', 2, 'x'))"
    book = execute(tmp_path, CELL.format(tests=str(TESTS)), "train(trainer, run)", loop)
    assert not [out for out in book.cells[0].outputs if out.output_type == "display_data"]
    shown, result = book.cells[1].outputs
    assert result.output_type == "execute_result"
    assert shown.output_type == "display_data"
    assert set(shown.data) == {"text/plain", "text/html"}
    plain = re.sub(r"[▁▂▃▄▅▆▇█]+", "#", re.sub(r"[\d.,:]+", "0", shown.data["text/plain"]))
    plain = plain.replace("GB", "MB")
    assert plain == (
        "Training finished 0/0 · epoch 0 of 0 · loss 0 → 0 · validation 0 · 0 tokens/s · took 0 · "
        "0 MB of memory · #"
    )
    assert "Training finished" in shown.data["text/html"]
    (loop,) = book.cells[2].outputs
    assert re.search(r"x: 2 batches in \d+:\d\d$", loop.data["text/plain"])
    # Nothing of widgets, and nothing that differs from one execution to the next but numbers.
    assert "widgets" not in book.metadata
    assert shown.metadata == {}
    assert "display_id" not in nbformat.writes(book)
