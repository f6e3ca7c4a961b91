"""Config to notebook, and to a folder or ZIP with all that belongs to it."""

from __future__ import annotations

from jupyter_ft.builder.bundle import Bundle, build_bundle
from jupyter_ft.builder.notebook import build_notebook, notebook_bytes

__all__ = ["Bundle", "build_bundle", "build_notebook", "notebook_bytes"]
