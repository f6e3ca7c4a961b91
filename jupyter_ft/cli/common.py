"""What the commands share: reading the config, and the arguments for it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from ft_runtime.config import Config, apply_overrides, load_config, read_document
from ft_runtime.findings import text
from jupyter_ft.builder.notebook import Runtime


def add_config(parser: argparse.ArgumentParser, described: str = "build.help_config") -> None:
    """Add the config file, or what `described` says, and ``--set``."""
    parser.add_argument("config", type=Path, help=text(described))
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", help=text("build.help_set")
    )


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """Add ``--runtime`` and ``--force``."""
    parser.add_argument(
        "--runtime",
        choices=get_args(Runtime),
        default="embedded",
        help=text("build.help_runtime"),
    )
    parser.add_argument("--force", action="store_true", help=text("build.help_force"))


def load(arguments: argparse.Namespace) -> Config:
    """Load the config that the arguments name, with the fields that they change.

    Raises
    ------
    FindingsError
        With every finding of the config.
    """
    return load_config(apply_overrides(read_document(arguments.config), arguments.set))
