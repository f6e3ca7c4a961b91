"""Run a notebook from its first cell to its last, in the environment that we run in."""

from __future__ import annotations

import asyncio
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ft_runtime.files import write_bytes_atomic
from ft_runtime.findings import Finding, finding, render
from jupyter_ft.builder.notebook import notebook_bytes

if TYPE_CHECKING:
    import nbformat

Status = Literal["ok", "findings", "paused", "interrupted", "failed"]
_BY_ERROR: dict[str, Status] = {
    "FindingsError": "findings",
    "InstallError": "findings",
    "TrainingPaused": "paused",
    "KeyboardInterrupt": "interrupted",
}


@dataclass(frozen=True)
class Outcome:
    """How a run of a notebook ended.

    Attributes
    ----------
    status : {"ok", "findings", "paused", "interrupted", "failed"}
    cell : str
        Id of the cell that stopped it; empty when all ran, or none.
    message : str
        What that cell said.
    """

    status: Status
    cell: str = ""
    message: str = ""


def missing_packages(*more: str) -> list[Finding]:
    """Return a finding for each missing package, of `more` and of those that run a notebook."""
    return [
        finding("build.missing_package", missing=name)
        for name in ("nbclient", "ipykernel", *more)
        if importlib.util.find_spec(name) is None
    ]


def execute_notebook(
    notebook: nbformat.NotebookNode, folder: str | Path, *, save: Path, show: bool = True
) -> Outcome:
    """Execute every cell of `notebook`, in place.

    Ctrl-C and SIGTERM are handed to the kernel, where training stops after its step and keeps a
    checkpoint; a second one ends the kernel.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Receives the outputs.
    folder : str or Path
        Working folder of the kernel.
    save : Path
        Where the notebook is written after each cell, and however the run ends.
    show : bool
        Print the progress, a line a cell, and what the cells print.

    Returns
    -------
    Outcome
    """
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    from jupyter_ft.execution.client import NotStartedError, StoppedError, make_client

    client = make_client(notebook, Path(folder), save, show)
    try:
        client.execute()
    except CellExecutionError as error:
        return Outcome(_BY_ERROR.get(error.ename, "failed"), client.running, _message(error))
    except NotStartedError as error:
        told = finding("build.kernel_not_started", problem=str(error))
        return Outcome("failed", message=render([told]))
    except StoppedError:
        return Outcome("interrupted", client.running)
    except asyncio.CancelledError:  # before the first cell
        return Outcome("interrupted")
    except DeadKernelError:
        if client.stopping:
            return Outcome("interrupted", client.running)
        return Outcome("failed", client.running, render([finding("build.kernel_died")]))
    finally:
        write_bytes_atomic(save, notebook_bytes(notebook))
    return Outcome("ok")


def _message(error: Any) -> str:
    """Return what the cell said: findings as they are, any other error with its traceback."""
    return str(error.evalue if error.ename in _BY_ERROR else error.traceback)
