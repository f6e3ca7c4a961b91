"""Generate fine-tuning notebooks: builder, command line and magic. Needs no server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_ft.wizard import Wizard

__all__ = ["Wizard", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load the wizard when it is asked for: the command line does without."""
    if name == "Wizard":
        from jupyter_ft.wizard import Wizard

        return Wizard
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register ``%ft_generate`` and ``%%ft_generate``; called by ``%load_ext jupyter_ft``."""
    from jupyter_ft.magic import FtMagics

    shell.register_magics(FtMagics)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell Jupyter Server of the extension; installing the package enables it."""
    from jupyter_ft.server.app import FtApp

    return [{"module": "jupyter_ft", "app": FtApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell JupyterLab where the built front end lies."""
    return [{"src": "labextension", "dest": "jupyter-ft"}]
