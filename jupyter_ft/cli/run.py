"""``jupyter ft run config.yaml``: generate the notebook, then run every cell."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ft_runtime.config import Config
from ft_runtime.findings import notify, raise_for_errors, text
from ft_runtime.printing import say
from jupyter_ft.builder.bundle import NOTEBOOK, Bundle
from jupyter_ft.builder.notebook import Runtime, build_notebook, notebook_bytes
from jupyter_ft.cli import common
from jupyter_ft.cli.exits import DONE, FOUND, INTERNAL, PAUSED
from jupyter_ft.execution import execute_notebook, missing_packages
from jupyter_ft.paths import seen_from

_EXITS = {"findings": FOUND, "paused": PAUSED, "interrupted": PAUSED}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    common.add_config(parser)
    default = text("build.help_output", default=".")
    parser.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help=default)
    common.add_runtime(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Generate and run."""
    config, changes = seen_from(common.load(arguments), arguments.output)
    notify(*changes)
    return run_config(config, arguments.output, runtime=arguments.runtime, force=arguments.force)


def run_config(
    config: Config, folder: Path, *, runtime: Runtime = "embedded", force: bool = False
) -> int:
    """Write the notebook into `folder` and run it there.

    The notebook is saved with its outputs however the run ends.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    FindingsError
        ``build.missing_package``, ``build.would_overwrite``, ``build.cannot_write``.
    """
    raise_for_errors(missing_packages())
    path = folder / NOTEBOOK
    notebook = build_notebook(config, runtime=runtime)
    Bundle({NOTEBOOK: notebook_bytes(notebook)}).write(folder, force=force)
    say(text("build.running", path=path))
    outcome = execute_notebook(notebook, folder, save=path)
    if outcome.status == "ok":
        say(text("build.ran", path=path))
        return DONE
    # Findings were printed by nobody yet: the kernel sends an error apart from what a cell prints.
    if outcome.message:
        say(outcome.message, sys.stderr)
    if outcome.cell:
        say(text("build.stopped", name=outcome.cell, path=path), sys.stderr)
    return _EXITS.get(outcome.status, INTERNAL)
