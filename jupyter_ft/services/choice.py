"""What a request names: one source of data, and a format with names of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.data.formats import FORMATS
from ft_runtime.data.places import printable
from ft_runtime.findings import finding
from jupyter_ft.services.problem import Problem, refuse


def one_source(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a request that names a file or a hub dataset, and not both.

    Raises
    ------
    Problem
        400 ``server.missing_field`` or ``server.both_fields``.
    """
    if given["path"] is None and given["id"] is None:
        expected = "a text, or id for a dataset of the hub"
        raise refuse(400, "server.missing_field", "path", name="path", expected=expected)
    if given["path"] is not None and given["id"] is not None:
        raise refuse(400, "server.both_fields", "path", first="path", second="id")
    return given


def check_choice(format: str | None, columns: Any) -> None:
    """Refuse a format that does not exist, and columns that are no names.

    Raises
    ------
    Problem
        400 ``server.bad_field``.
    """
    found = []
    if format is not None and format not in FORMATS:
        expected = "one of " + ", ".join(FORMATS)
        shown = printable(format, 80)
        found.append(
            finding("server.bad_field", "format", name="format", expected=expected, got=shown)
        )
    if columns is not None and not (
        isinstance(columns, Mapping) and all(isinstance(v, str) for v in columns.values())
    ):
        expected = "an object of names"
        got = "something else"
        found.append(
            finding("server.bad_field", "columns", name="columns", expected=expected, got=got)
        )
    if found:
        raise Problem(400, found[0], found)
