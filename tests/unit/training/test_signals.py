"""Signals become a wish to stop, and nothing of it stays behind."""

from __future__ import annotations

import signal
import threading

import pytest

from ft_runtime.training.signals import StopRequest


def handlers():
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_asks_for_a_stop(number, capsys):
    stop, before = StopRequest(), handlers()
    with stop.listening():
        assert not stop.requested
        signal.raise_signal(number)
        assert stop.requested
    assert stop.requested
    assert handlers() == before
    assert "Stopping" in capsys.readouterr().err


def test_the_second_ctrl_c_stops_at_once():
    stop, before = StopRequest(), handlers()

    def interrupt_twice():
        with stop.listening():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()
    assert handlers() == before


def test_sigterm_may_come_often():
    stop = StopRequest()
    with stop.listening():
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
    assert stop.requested


def test_a_new_sitting_starts_without_the_old_wish():
    stop = StopRequest()
    stop.request()
    with stop.listening():
        assert not stop.requested


def test_a_stream_that_cannot_be_written_is_no_reason_to_fail(monkeypatch):
    class Closed:
        def write(self, text):
            raise ValueError("I/O operation on closed file")

        def flush(self):
            pass

    stop = StopRequest()
    monkeypatch.setattr("sys.stderr", Closed())
    with stop.listening():
        signal.raise_signal(signal.SIGTERM)
    assert stop.requested


def test_another_thread_installs_nothing_and_can_still_ask():
    stop, seen = StopRequest(), []

    def work():
        with stop.listening():
            seen.append(handlers())
            stop.request()

    before = handlers()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
    assert stop.requested
