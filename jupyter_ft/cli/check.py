"""``jupyter ft check config.yaml``: what ``python -m ft_runtime check`` does."""

from __future__ import annotations

import argparse

from ft_runtime import cli as runtime_cli
from ft_runtime.findings import text
from jupyter_ft.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    common.add_config(parser)
    parser.add_argument("--json", action="store_true", help=text("cli.json"))


def execute(arguments: argparse.Namespace) -> int:
    """Say everything that is wrong with the config and its data."""
    changes = [part for change in arguments.set for part in ("--set", change)]
    as_json = ["--json"] if arguments.json else []
    return runtime_cli.main(["check", *changes, *as_json, "--", str(arguments.config)])
