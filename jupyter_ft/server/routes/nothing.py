"""What is no route: answered in the same form as every other error."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_ft.server.base import FtHandler
from jupyter_ft.services.problem import refuse


class NoRouteHandler(FtHandler):
    """Any other address below the prefix."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer that there is nothing."""
        raise refuse(404, "server.no_route")

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer that there is nothing."""
        raise refuse(404, "server.no_route")
