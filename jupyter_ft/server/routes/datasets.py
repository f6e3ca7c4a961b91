"""``datasets/preview`` and ``datasets/render``: a look at data, before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web
from tornado.httputil import HTTPFile, HTTPInputError, parse_body_arguments

from jupyter_ft.server.base import BodyHandler
from jupyter_ft.services.child import Stop
from jupyter_ft.services.preview import preview, preview_upload
from jupyter_ft.services.problem import refuse
from jupyter_ft.services.render import render

_FORM = "multipart/form-data"
_AROUND = 64 << 10


class PreviewHandler(BodyHandler):
    """The first rows of a file."""

    @property
    def limit(self) -> int:
        """Largest body in bytes: an upload, and what a form puts around it."""
        if self._is_form():
            return int(self.ft.max_upload_bytes) + _AROUND
        return int(self.ft.max_request_bytes)

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer what is in a file of the server's folder, in a hub dataset, or in an upload."""
        if not self._is_form():
            self.answer(await self._look(self.json_object()))
            return
        file, form = await self.work(self._form)
        columns = _columns(form.get("columns"))
        upload = (file["body"], file["filename"], form.get("format"), columns, self.ft.limits)
        self._chunks.clear()
        self.answer(await self.work(preview_upload, *upload))

    async def _look(self, body: Mapping[str, Any]) -> dict[str, Any]:
        stop = Stop()
        arguments = (preview, body, self.ft.root, self.ft.limits, self.ft.datasets(stop))
        if body.get("id") is None:
            return await self.work(*arguments)
        return await self.wait_for(*arguments, stop=stop)

    def _is_form(self) -> bool:
        kind = self.request.headers.get("Content-Type", "")
        return kind.partition(";")[0].strip().lower() == _FORM

    def _form(self) -> tuple[HTTPFile, dict[str, str]]:
        """Read the form: one file, and texts."""
        texts: dict[str, list[bytes]] = {}
        files: dict[str, list[HTTPFile]] = {}
        kind = self.request.headers.get("Content-Type", "")
        try:
            parse_body_arguments(kind, self.body, texts, files)
        except (HTTPInputError, ValueError) as error:
            problem = str(error)[:200]
            raise refuse(400, "server.bad_json", problem=f"the form is broken: {problem}") from None
        if len(files.get("file", [])) != 1 or not files["file"][0]["filename"]:
            raise refuse(400, "server.missing_field", "file", name="file", expected="one file")
        form = {name: values[-1].decode("utf-8", "replace") for name, values in texts.items()}
        return files["file"][0], {name: value for name, value in form.items() if value}


class RenderHandler(BodyHandler):
    """One row as the model sees it."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer the row's text with what is learned marked; a process of its own renders it."""
        body, ft, stop = self.json_object(), self.ft, Stop()
        arguments = (body, ft.root, ft.limits, ft.child(stop), ft.datasets(stop))
        self.answer(await self.wait_for(render, *arguments, stop=stop))


def _columns(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        values = {"name": "columns", "expected": "a JSON object", "got": "something else"}
        raise refuse(400, "server.bad_field", "columns", **values) from None
