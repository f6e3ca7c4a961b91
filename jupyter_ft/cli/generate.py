"""``jupyter ft generate config.yaml``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ft_runtime.findings import notify, text
from ft_runtime.printing import tell
from jupyter_ft.builder.bundle import NOTEBOOK, build_bundle, write_zip
from jupyter_ft.cli import common
from jupyter_ft.cli.exits import DONE
from jupyter_ft.paths import seen_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    common.add_config(parser)
    default = text("build.help_output", default="<config>-notebook")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help=default)
    parser.add_argument("--zip", action="store_true", help=text("build.help_zip"))
    common.add_runtime(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the files."""
    config = common.load(arguments)
    output = arguments.output or Path(f"{arguments.config.stem}-notebook")
    if arguments.zip:
        path = output if output.suffix == ".zip" else output.with_name(f"{output.name}.zip")
        write_zip(build_bundle(config, runtime=arguments.runtime), path, force=arguments.force)
        tell(text("build.written", path=path))
        return DONE
    config, changes = seen_from(config, output)
    notify(*changes)
    bundle = build_bundle(config, runtime=arguments.runtime)
    for written in bundle.write(output, force=arguments.force):
        tell(text("build.written", path=written))
    tell(text("build.open", path=output / NOTEBOOK, config=arguments.config))
    return DONE
