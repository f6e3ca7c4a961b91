"""Execute cells in a kernel of this interpreter, as patient as a busy machine needs it."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def execute(folder: Path, *cells: str, allow_errors: bool = False) -> nbformat.NotebookNode:
    """Execute cells in a folder and return their notebook; what a cell writes is in one piece."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        book, timeout=500, startup_timeout=300, iopub_timeout=120, coalesce_streams=True,
        allow_errors=allow_errors, resources={"metadata": {"path": str(folder)}},
    )  # fmt: skip
    client.create_kernel_manager()
    client.km.kernel_spec.argv[0] = sys.executable
    client.execute()
    return book
