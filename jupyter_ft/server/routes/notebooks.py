"""``validate`` and ``generate_notebook``: from a config to findings, and to a notebook."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_ft.server.base import BodyHandler
from jupyter_ft.services.generate import generate
from jupyter_ft.services.validate import validate

_QUICK = 8 << 10
"""Bytes of a request that is checked in the server's loop; a config that was typed has fewer."""


class ValidateHandler(BodyHandler):
    """The check of a config."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer the findings, and the config completed with defaults."""
        document = self.json_object()
        if "text" in document or len(self.body) > _QUICK:
            self.answer(await self.work(validate, document))
        else:
            # At every keystroke: done sooner than a thread is free that waits for the hub.
            self.answer(validate(document))


class GenerateHandler(BodyHandler):
    """The notebook of a config."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer a ZIP, a notebook or its cells, as the Accept header asks."""
        accept = self.request.headers.get("Accept", "")
        made = await self.work(generate, self.json_object(), accept)
        self.set_header("Vary", "Accept")
        if isinstance(made.data, bytes):
            self.answer_file(made.data, made.kind, made.name)
        else:
            self.answer(made.data)
