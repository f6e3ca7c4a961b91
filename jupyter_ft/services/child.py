"""A question to a process of its own, which loads what the server must not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from ft_runtime.data.places import printable


class ChildError(Exception):
    """The process gave no answer.

    Attributes
    ----------
    late : bool
        It took too long and was stopped.
    no_runtime : bool
        Its interpreter does not have ``ft_runtime``.
    """

    def __init__(self, problem: str, late: bool = False) -> None:
        super().__init__(printable(problem, 300))
        self.late = late
        self.no_runtime = "ft_runtime" in problem and "No module named" in problem


class Stop:
    """Ends the process of a question when nobody waits for the answer any more.

    One thread asks, and another one may call `set`, before, meanwhile or after.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._set = False

    @property
    def is_set(self) -> bool:
        """Whether nobody waits any more."""
        return self._set

    def set(self) -> None:
        """Stop the process that runs, and let none begin."""
        with self._lock:
            self._set = True
            if self._process is not None and self._process.poll() is None:
                _kill(self._process)

    def watch(self, process: subprocess.Popen[bytes] | None) -> None:
        """Take the process that is to be stopped; None when it has ended."""
        with self._lock:
            self._process = process
            if process is not None and self._set:
                _kill(process)


@dataclass(frozen=True)
class Child:
    """How such processes are run.

    Attributes
    ----------
    python : str
        Interpreter that has transformers and datasets.
    timeout : float
        Seconds after which the process is stopped.
    stop : Stop
        Stops it sooner.
    """

    python: str
    timeout: float = 60.0
    stop: Stop = field(default_factory=Stop)

    def ask(
        self,
        module: str,
        request: Mapping[str, Any],
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return what the module answers to a request: the last line that it prints, as JSON.

        Parameters
        ----------
        module : str
            Run as ``python -m``; reads JSON from standard input.
        request : Mapping
        folder : Path, optional
            Where it runs; by default in an empty folder of its own.
        environment : Mapping, optional
            What its environment has besides ours.

        Raises
        ------
        ChildError
        """
        with ExitStack() as stack:
            if self.stop.is_set:
                raise ChildError("nobody waits for it")
            if folder is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ft-")))
            process = self._start(module, folder, environment or {})
            stack.callback(self.stop.watch, None)
            self.stop.watch(process)
            try:
                data = json.dumps(request).encode()
                output, complaints = process.communicate(data, timeout=self.timeout)
            except subprocess.TimeoutExpired:
                _stop(process)
                raise ChildError("it took too long", late=True) from None
        try:
            answer = json.loads(output.splitlines()[-1])
        except (ValueError, IndexError):
            lines = complaints.decode("utf-8", "replace").strip().splitlines()
            raise ChildError(lines[-1] if lines else f"exit code {process.returncode}") from None
        if not isinstance(answer, dict):
            raise ChildError("no answer")
        return answer

    def _start(
        self, module: str, folder: Path, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        own = {"TOKENIZERS_PARALLELISM": "false", "PYTHONSAFEPATH": "1"}
        try:
            return subprocess.Popen(
                [self.python, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env={**os.environ, **own, **environment},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ChildError(f"{self.python}: {error}") from None


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process, and wait until it is over."""
    _kill(process)
    process.communicate()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it has started."""
    with suppress(ProcessLookupError, PermissionError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
