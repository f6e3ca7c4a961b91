"""``health``, ``schema``, ``openapi``: what the front end asks for first."""

from __future__ import annotations

import platform

import jupyter_server
from jupyter_server.auth.decorator import authorized
from tornado import web

import jupyter_ft
from ft_runtime import messages
from ft_runtime.config import load_schema
from ft_runtime.config.schema import version as schema_version
from jupyter_ft.server.base import FtHandler
from jupyter_ft.server.openapi import openapi_document
from jupyter_ft.services.generate import warm_up

API = 1
"""Counts up when an answer changes so that an older front end would misread it."""


class HealthHandler(FtHandler):
    """Versions and limits."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer which versions are here, and what the front end need not try."""
        self.answer(
            {
                "version": jupyter_ft.__version__,
                "api": API,
                "schema_version": schema_version(),
                "python": platform.python_version(),
                "server": jupyter_server.__version__,
                "catalogue_language": messages.language(),
                "limits": {
                    "upload_bytes": self.ft.max_upload_bytes,
                    "extensions": list(self.ft.limits.extensions),
                    "preview_bytes": self.ft.preview_bytes,
                },
            }
        )
        # A front end that asks has been opened: it will soon want a notebook.
        await self.work(warm_up)


class SchemaHandler(FtHandler):
    """The schema of the config."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer the schema as it is."""
        self.answer(load_schema())


class OpenApiHandler(FtHandler):
    """The description of this API."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer the OpenAPI document, with the address of this server."""
        self.answer(openapi_document(self.base_url))
