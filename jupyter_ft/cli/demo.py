"""``jupyter ft demo``: a small model that is made on the spot, and the whole notebook."""

from __future__ import annotations

import argparse
from pathlib import Path

import nbformat

from ft_runtime.findings import FindingsError, finding, raise_for_errors, text
from ft_runtime.printing import reason_of, tell
from jupyter_ft.builder.bundle import NOTEBOOK, build_bundle
from jupyter_ft.cli.exits import DONE
from jupyter_ft.cli.run import run_config
from jupyter_ft.demo import prepare_demo
from jupyter_ft.execution import missing_packages

_METHODS = ("full", "lora", "qlora")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--data", type=Path, metavar="PATH", help=text("build.help_data"))
    where = text("build.help_output", default="demo")
    parser.add_argument("-o", "--out", type=Path, default=Path("demo"), metavar="DIR", help=where)
    how = text("build.help_tune_type", default="lora")
    parser.add_argument("--tune-type", choices=_METHODS, default="lora", help=how)
    parser.add_argument("--force", action="store_true", help=text("build.help_force"))


def execute(arguments: argparse.Namespace) -> int:
    """Make the model and the notebook, run it, and show what came out."""
    folder: Path = arguments.out
    raise_for_errors(missing_packages("torch", "transformers"))
    try:
        config = prepare_demo(folder, arguments.data, arguments.tune_type)
    except (OSError, UnicodeError) as error:  # the latter: a name that no file can have
        problem = reason_of(error)
        raise FindingsError([finding("build.cannot_write", str(folder), problem=problem)]) from None
    build_bundle(config).write(folder, force=arguments.force)
    code = run_config(config, folder)
    if code == DONE:
        tell(_shown(folder / NOTEBOOK, "evaluation-report"))
        tell(text("build.run_folder", path=folder / config.artifacts.output_dir))
    return code


def _shown(path: Path, cell_id: str) -> str:
    """Return what a cell of an executed notebook shows, as text."""
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == cell_id)
    return "\n".join(output.data["text/plain"] for output in cell.outputs if "data" in output)
