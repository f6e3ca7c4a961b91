"""``estimate``: memory and time of a run."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_ft.server.base import BodyHandler
from jupyter_ft.services.estimate.service import estimate


class EstimateHandler(BodyHandler):
    """What a config takes."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer memory and time."""
        self.answer(await self.work(estimate, self.json_object(), self.ft.root, self.ft.hub))
