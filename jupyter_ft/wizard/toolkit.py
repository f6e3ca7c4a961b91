"""The one place that imports ipywidgets, and knows what its versions 7 and 8 do differently."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from ft_runtime.findings import FindingsError, finding


def toolkit() -> Any:
    """Return the module ``ipywidgets``.

    Raises
    ------
    FindingsError
        ``wizard.no_ipywidgets``.
    """
    try:
        return importlib.import_module("ipywidgets")
    except ImportError as error:
        raise FindingsError([finding("wizard.no_ipywidgets", problem=str(error))]) from None


def uploaded(value: Any) -> list[tuple[str, bytes]]:
    """Return name and content of what a FileUpload holds.

    Version 7 gives a dict of name to ``{metadata, content}``, version 8 a tuple of dicts with
    ``name`` and ``content``.
    """
    if isinstance(value, Mapping):
        return [(str(name), bytes(item["content"])) for name, item in value.items()]
    items: Iterable[Any] = value or ()
    return [(str(item["name"]), bytes(item["content"])) for item in items]


def titled(container: Any, titles: Iterable[str]) -> Any:
    """Return a Tab or an Accordion with the titles of its children."""
    for place, title in enumerate(titles):
        container.set_title(place, title)
    return container
