"""Generate fine-tuning notebooks: builder, command line and magic. Needs no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register ``%ft_generate`` and ``%%ft_generate``; called by ``%load_ext jupyter_ft``."""
    from jupyter_ft.magic import FtMagics

    shell.register_magics(FtMagics)
