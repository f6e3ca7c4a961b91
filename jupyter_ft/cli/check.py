"""``jupyter ft check config.yaml``: what ``python -m ft_runtime check`` does."""

from __future__ import annotations

import argparse

from ft_runtime import cli as runtime_cli
from ft_runtime.doctor import options
from ft_runtime.findings import text
from jupyter_ft.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    common.add_config(parser, "doctor_report.opt_source")
    parser.add_argument("--tokens", action="store_true", help=text("cli.tokens"))
    parser.add_argument("--json", action="store_true", help=text("cli.json"))
    options.add_arguments(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Say everything that is wrong with the config and its data, or with a data file."""
    changes = [part for change in arguments.set for part in ("--set", change)]
    flags = [f"--{name}" for name in ("json", "tokens") if getattr(arguments, name)]
    typed = [*changes, *flags, *options.forwarded(arguments)]
    return runtime_cli.main(["check", *typed, "--", str(arguments.config), *arguments.more])
