"""Inserting by comm: inserted, refused, closed, each ends once; silent, until an answer comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ft_runtime.findings import Finding
from jupyter_ft.wizard.insert import TIMEOUT, Insertion, kernel_comm

CELLS = [{"cell_type": "code", "source": "1", "metadata": {}}]


class FakeComm:
    """A comm that remembers what was sent, and lets the test answer."""

    def __init__(self) -> None:
        self.opened: Any = None

    def on_msg(self, call: Callable[[Any], None]) -> None:
        self.answer = lambda **data: call({"content": {"data": data}})

    def on_close(self, call: Callable[[Any], None]) -> None:
        self.close = lambda: call({"content": {"data": {}}})

    def open(self, data: Any) -> None:
        assert self.answer is not None
        assert self.close is not None
        self.opened = data


class Clock:
    def __init__(self) -> None:
        self.cancelled = False

    def later(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        assert seconds == TIMEOUT
        self.ring = call
        return self.cancel

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def case() -> tuple[FakeComm, Clock, list[Any]]:
    comm, clock, ends = FakeComm(), Clock(), []
    Insertion(CELLS, ends.append, lambda: comm, clock.later)
    assert comm.opened == {"action": "insert", "cells": CELLS}
    assert ends == []
    return comm, clock, ends


def test_inserted(case):
    comm, clock, ends = case
    comm.answer(status="inserted", count=1)
    assert ends == ["Inserted 1 cells."]
    assert clock.cancelled
    comm.close()
    clock.ring()
    assert len(ends) == 1


def test_the_notebook_says_what_it_replaced_and_kept(case):
    comm, _, ends = case
    said = "Updated mine.ipynb: 1 replaced. You edited these cells: Cell 3."
    comm.answer(status="inserted", count=1, message=said)
    assert ends == [said]


def test_refused(case):
    comm, _, ends = case
    comm.answer(status="error", message="The notebook is read-only.")
    assert [item.code for item in ends] == ["wizard.refused"]
    assert "read-only" in ends[0].message


def test_closed_as_nobody_knows_the_target(case):
    comm, clock, ends = case
    comm.close()
    assert [item.code for item in ends] == ["wizard.no_extension"]
    assert "Write notebook" in ends[0].hint
    assert clock.cancelled


def test_silence(case):
    _, clock, ends = case
    clock.ring()
    assert [item.code for item in ends] == ["wizard.silence"]
    assert "Write notebook" in ends[0].hint


def test_an_answer_after_silence_takes_its_place(case):
    comm, clock, ends = case
    clock.ring()
    comm.answer(status="inserted", count=1)
    assert ends[1:] == ["Inserted 1 cells."]
    comm.close()
    clock.ring()
    assert len(ends) == 2


def test_outside_of_a_kernel():
    assert kernel_comm() is None
    ends: list[int | Finding] = []
    Insertion(CELLS, ends.append)
    assert [item.code for item in ends if isinstance(item, Finding)] == ["wizard.no_kernel"]
