"""``%ft_generate config.yaml``, ``%%ft_generate`` with a YAML body, and the wizard without either.

For any notebook front end. Works on IPython 7.34, which Colab has: nothing here is newer than that.
"""

from __future__ import annotations

import importlib
import os
import shlex
from pathlib import Path
from typing import Any, get_args

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import FileLink, display

from ft_runtime.config import Config, apply_overrides, load_config, parse_text, read_document
from ft_runtime.findings import notify, text
from jupyter_ft.builder.bundle import Bundle, build_bundle, write_zip
from jupyter_ft.builder.context import data_name
from jupyter_ft.builder.notebook import Runtime
from jupyter_ft.paths import seen_from

_CELL_OUTPUT = "ft-notebook"
_DEFAULT = f"<config>-notebook, {_CELL_OUTPUT}"
LINKED = (".ipynb", ".yaml", ".md")
_RUNTIMES = get_args(Runtime)


@magics_class
class FtMagics(Magics):
    """The magics of jupyter_ft."""

    @line_cell_magic
    @no_var_expand
    @magic_arguments("%ft_generate")
    @argument("config", nargs="?", help=text("build.help_config"))
    @argument("-o", "--output", metavar="DIR", help=text("build.help_output", default=_DEFAULT))
    @argument("--set", action="append", default=[], metavar="A.B=C", help=text("build.help_set"))
    @argument("--runtime", choices=_RUNTIMES, default=_RUNTIMES[0], help=text("build.help_runtime"))
    @argument("--force", action="store_true", help=text("build.help_force"))
    @argument("--no-download", action="store_true", help=text("build.help_download"))
    def ft_generate(self, line: str, cell: str | None = None) -> None:
        """Write a fine-tuning notebook, and what belongs to it, from a config.

        Findings are shown as they are, without a traceback; nothing is written then. Without a
        config the wizard is shown.
        """
        try:
            arguments = parse_argstring(self.ft_generate, line)
        except ValueError as error:  # such as a quote that is not closed
            raise UsageError(f"%ft_generate: {error}") from None
        if cell is None and not arguments.config:
            _show_wizard(arguments)
            return
        config = load_config(_document(arguments, cell))
        stem = Path(_unquoted(arguments.config)).stem if arguments.config else ""
        folder = Path(_unquoted(arguments.output) or (f"{stem}-notebook" if stem else _CELL_OUTPUT))
        config, changes = seen_from(config, folder)
        notify(*changes)
        bundle = build_bundle(config, runtime=arguments.runtime)
        written = bundle.write(folder, force=arguments.force)
        _show(config, written)
        if not arguments.no_download:
            offer_download(bundle, folder)


def _document(arguments: Any, cell: str | None) -> dict[str, Any]:
    """Return the document that the cell holds, or else the file that the line names."""
    if cell is not None:
        document = parse_text(cell, "cell")
    else:
        document = read_document(_unquoted(arguments.config))
    return apply_overrides(document, [_unquoted(item) for item in arguments.set])


def _show_wizard(arguments: Any) -> None:
    """Show the form in which a config is filled in."""
    from jupyter_ft.wizard import Wizard

    document = apply_overrides({}, [_unquoted(item) for item in arguments.set])
    display(Wizard(document, _unquoted(arguments.output) or _CELL_OUTPUT))


def _unquoted(argument_text: str | None) -> str:
    """Return an argument without the quotes that protect its spaces; IPython leaves them on."""
    if not argument_text:
        return ""
    first, last = argument_text[0], argument_text[-1]
    if len(argument_text) > 1 and first == last and first in "'\"":
        return shlex.split(argument_text)[0]
    return argument_text


def _show(config: Config, written: list[Path]) -> None:
    """Say what was made, and link to what one wants to open."""
    facts = {"method": config.tune_type, "model": config.model_id, "data": data_name(config)}
    print(text("build.summary", **facts))
    for path in written:
        if path.suffix in LINKED:
            display(FileLink(os.path.relpath(path)))


def offer_download(bundle: Bundle, folder: Path) -> None:
    """In Colab, whose disk does not last, hand all files to the browser as one ZIP."""
    try:
        files = importlib.import_module("google.colab.files")
    except ImportError:
        return
    path = folder.with_name(f"{folder.name}.zip")
    write_zip(bundle, path, force=True)
    files.download(str(path))
