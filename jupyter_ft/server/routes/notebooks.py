"""``validate`` and ``generate_notebook``: from a config to findings, and to a notebook."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_ft.server.base import BodyHandler
from jupyter_ft.services.generate import generate
from jupyter_ft.services.validate import validate


class ValidateHandler(BodyHandler):
    """The check of a config."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer the findings, and the config completed with defaults."""
        self.answer(validate(self.json_object()))


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
