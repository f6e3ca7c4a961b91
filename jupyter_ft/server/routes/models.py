"""``models/check``: whether a model exists, and what it is."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_ft.server.base import BodyHandler
from jupyter_ft.services.models import check_model


class CheckHandler(BodyHandler):
    """A look at a model."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer what is known of the model; an offline machine gives a finding, not an error."""
        self.answer(await self.work(check_model, self.json_object(), self.ft.root, self.ft.hub))
