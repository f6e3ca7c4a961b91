"""A config as a notebook: as a ZIP with all that belongs to it, as a file, or as cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ft_runtime.data.places import printable
from jupyter_ft.builder import build_bundle, build_notebook, notebook_bytes
from jupyter_ft.builder.runtime_wheel import runtime_wheel
from jupyter_ft.services.problem import fields, refuse
from jupyter_ft.services.validate import checked

ZIP = "application/zip"
NOTEBOOK = "application/x-ipynb+json"
CELLS = "application/json"
KINDS = (ZIP, NOTEBOOK, CELLS)
"""What can be asked for; the first one is what an ``Accept: */*`` gets."""


@dataclass(frozen=True)
class Generated:
    """What was made.

    Attributes
    ----------
    kind : str
        Its media type.
    name : str
        A file name for it.
    data : bytes or dict
        A file, or for ``application/json`` a document.
    """

    kind: str
    name: str
    data: bytes | dict[str, Any]


def generate(body: Mapping[str, Any], accept: str = "") -> Generated:
    """Make the notebook of a config.

    Parameters
    ----------
    body : Mapping
        ``config``: the document.
    accept : str
        An Accept header.

    Raises
    ------
    Problem
        400 ``config.invalid`` with every finding, 406 for a type that cannot be made.
    """
    kind = _kind(accept)
    config = checked(fields(body, {"config": "object"}, ["config"])["config"])
    if kind == ZIP:
        return Generated(kind, "fine_tune.zip", build_bundle(config).to_zip())
    notebook = build_notebook(config)
    if kind == NOTEBOOK:
        return Generated(kind, "fine_tune.ipynb", notebook_bytes(notebook))
    document = {
        "cells": notebook.cells,
        "metadata": notebook.metadata,
        "yaml": config.to_yaml(),
    }
    return Generated(kind, "cells.json", document)


def warm_up() -> None:
    """Pack the runtime once, so that the first notebook is made as quickly as every later one."""
    _ = runtime_wheel().packed


def _kind(accept: str) -> str:
    """Choose by the Accept header: the best weight, then the order in which they are listed."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",") if accept.strip() else ["*/*"]):
        name, *options = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for option in options:
            if option.startswith("q="):
                try:
                    weight = float(option[2:])
                except ValueError:
                    weight = 0.0
        found = name if name in KINDS else ""
        if name in ("*/*", "application/*"):
            found = ZIP
        if found and weight > 0:
            wanted.append((-weight, place, found))
    if not wanted:
        raise refuse(406, "server.not_acceptable", "Accept", got=printable(accept, 200))
    return min(wanted)[2]
