"""The OpenAPI document: kept as data beside this file, served with the address of the server."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

import jupyter_ft

# The reader in C is ten times faster, where PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FILE = Path(__file__).with_name("openapi.yaml")


def openapi_document(base_url: str = "/") -> dict[str, Any]:
    """Return the OpenAPI 3.1 document.

    Parameters
    ----------
    base_url : str
        Of the server, with its slashes.
    """
    document = _document()
    info = {**document["info"], "version": jupyter_ft.__version__}
    return {**document, "info": info, "servers": [{"url": f"{base_url}ft/api"}]}


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(_FILE.read_text(encoding="utf-8"), _LOADER)
    return document
