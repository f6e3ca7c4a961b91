"""``examples`` and ``examples/{name}``: the datasets that come along."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_ft.server.base import FtHandler
from jupyter_ft.services.examples import example_file, examples

_KINDS = {".csv": "text/csv", ".jsonl": "application/jsonl"}


class ExamplesHandler(FtHandler):
    """All examples."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer the list."""
        self.answer({"examples": await self.work(examples, self.ft.root)})


class ExampleHandler(FtHandler):
    """One example."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """Answer the file."""
        path = await self.work(example_file, name)
        kind = f"{_KINDS[path.suffix]}; charset=utf-8"
        self.answer_file(await self.work(path.read_bytes), kind, path.name)
