"""``presets``: starting points."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_ft.server.base import FtHandler
from jupyter_ft.services.presets import presets


class PresetsHandler(FtHandler):
    """Tasks and models to begin with."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer the presets."""
        self.answer(presets())
