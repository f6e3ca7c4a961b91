"""The routes, one file a noun."""

from __future__ import annotations

from typing import Any

from jupyter_ft.server.routes.datasets import PreviewHandler, RenderHandler
from jupyter_ft.server.routes.documents import HealthHandler, OpenApiHandler, SchemaHandler
from jupyter_ft.server.routes.estimate import EstimateHandler
from jupyter_ft.server.routes.examples import ExampleHandler, ExamplesHandler
from jupyter_ft.server.routes.models import CheckHandler
from jupyter_ft.server.routes.notebooks import GenerateHandler, ValidateHandler
from jupyter_ft.server.routes.nothing import NoRouteHandler
from jupyter_ft.server.routes.presets import PresetsHandler

ROUTES: dict[str, type] = {
    "health": HealthHandler,
    "openapi": OpenApiHandler,
    "schema": SchemaHandler,
    "presets": PresetsHandler,
    "examples": ExamplesHandler,
    "examples/{name}": ExampleHandler,
    "validate": ValidateHandler,
    "generate_notebook": GenerateHandler,
    "datasets/preview": PreviewHandler,
    "datasets/render": RenderHandler,
    "models/check": CheckHandler,
    "estimate": EstimateHandler,
}
"""Every route by its path below the prefix, as the OpenAPI document names it."""


def handlers(prefix: str) -> list[tuple[str, Any]]:
    """Return the routes as tornado wants them; what is none of them answers 404 in our form."""
    found: list[tuple[str, Any]] = [
        (rf"{prefix}/{path.replace('{name}', '([^/]+)')}", handler)
        for path, handler in ROUTES.items()
    ]
    return [*found, (rf"{prefix}(?:/.*)?", NoRouteHandler)]
