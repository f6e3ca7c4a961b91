"""The Jupyter server extension: thin routes over `jupyter_ft.services`."""

from __future__ import annotations
