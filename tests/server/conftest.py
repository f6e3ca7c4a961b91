"""A server with the extension, in this process (pytest-jupyter)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_jupyter.jupyter_core import jp_asyncio_loop  # noqa: F401 - in place of the idle one
from pytest_jupyter.jupyter_server import jp_server_cleanup  # noqa: F401 - the same
from tornado.httpclient import HTTPClientError, HTTPResponse

PATIENCE = 300.0
"""Seconds that an answer may take, where it is not the time-out that is tested."""
CONFIG = {
    "model_id": "owner/model",
    "dataset": {"path": "rows.jsonl", "format": "jsonl_prompt"},
}


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_ft": True}},
        "FtApp": {"hub_timeout": PATIENCE, "render_timeout": PATIENCE},
    }


@pytest.fixture
def ask(jp_fetch):
    """Ask a route; answers status and document (or the response, when it is no JSON)."""

    async def call(path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        if body is not None:
            options.setdefault("method", "POST")
            kind = {"Content-Type": "application/json"}
            options["headers"] = {**kind, **options.get("headers", {})}
            options["body"] = body if isinstance(body, bytes | str) else json.dumps(body)
        options.setdefault("request_timeout", PATIENCE)
        try:
            response: HTTPResponse = await jp_fetch("ft", "api", *path.split("/"), **options)
        except HTTPClientError as error:
            assert error.response is not None
            response = error.response
        kind = response.headers.get("Content-Type", "")
        if kind == "application/json" and response.body:
            return response.code, json.loads(response.body)
        return response.code, response

    return call


@pytest.fixture
def root(jp_root_dir):
    """The folder that the server shows."""
    return jp_root_dir
