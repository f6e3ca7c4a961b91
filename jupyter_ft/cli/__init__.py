"""``jupyter ft``: generate, check, run and demo."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence

import jupyter_ft
from ft_runtime.findings import FindingsError, text
from ft_runtime.printing import say, show_any_character
from jupyter_ft.cli import check, demo, generate, run
from jupyter_ft.cli.exits import FOUND, INTERNAL, PAUSED

_COMMANDS = (generate, check, run, demo)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0 when all is well, 1 for findings, 75 for a run that was stopped and can go on, 70 for an
        error that should not happen. A usage error ends the process with 2.
    """
    arguments = _parser().parse_args(argv)
    show_any_character()
    try:
        return arguments.execute(arguments)
    except FindingsError as error:
        say(str(error), sys.stderr)
        return FOUND
    except KeyboardInterrupt:
        say(text("cli.stopped"), sys.stderr)
        return PAUSED
    except Exception:
        traceback.print_exc()
        say(text("cli.internal"), sys.stderr)
        return INTERNAL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jupyter ft", description=text("build.help"))
    parser.add_argument("--version", action="version", version=jupyter_ft.__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        name = module.__name__.rsplit(".", 1)[-1]
        described = text(f"build.help_{name}")
        command = commands.add_parser(name, help=described, description=described)
        module.add_arguments(command)
        command.set_defaults(execute=module.execute)
    return parser
