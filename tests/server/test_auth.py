"""Who may ask: nobody without a token, and nobody whom the authorizer refuses."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any

import pytest
from jupyter_server.auth import Authorizer

from jupyter_ft.server.routes import ROUTES, handlers

from .conftest import PATIENCE

LEAVES = [
    (path, name)
    for path, handler in [*ROUTES.items(), ("nothing", handlers("x")[-1][1])]
    for name in ("get", "post", "put", "patch", "delete", "head")
    if name in vars(handler)
]
HANDLERS: dict[str, Any] = {**ROUTES, "nothing": handlers("x")[-1][1]}


class Refusing(Authorizer):
    """Lets nobody do anything with ``ft``, and remembers what it was asked."""

    asked: list[tuple[str, str]] = []

    def is_authorized(self, handler, user, action, resource):
        self.asked.append((action, resource))
        return resource != "ft"


def concrete(path: str) -> str:
    return path.replace("{name}", "chat.jsonl")


def test_there_are_leaves():
    assert len(LEAVES) >= len(ROUTES)
    for handler in HANDLERS.values():
        assert {name for name in ("get", "post") if name in vars(handler)}


@pytest.mark.parametrize(("path", "name"), LEAVES)
def test_every_leaf_is_decorated_itself(path, name):
    """`inspect.unwrap` goes through both decorators; each leaves a wrapper behind."""
    method = vars(HANDLERS[path])[name]
    source = inspect.getsource(inspect.unwrap(method))
    lines = [line.strip() for line in source.splitlines()[:2]]
    assert lines == ["@web.authenticated", "@authorized"]
    wrappers = []
    while hasattr(method, "__wrapped__"):
        wrappers.append(method.__code__.co_filename)
        method = method.__wrapped__
    assert [name.rsplit("/", 1)[-1] for name in wrappers] == ["web.py", "decorator.py"]


@pytest.mark.parametrize(("path", "name"), LEAVES)
async def test_strangers_are_refused(ask, path, name):
    body = {"config": {}} if name == "post" else None
    headers = {"Authorization": ""}
    code, document = await ask(concrete(path), body, headers=headers)
    assert (code, document["code"]) == (403, "server.forbidden")
    code, document = await ask(concrete(path), body, headers={"Authorization": "token wrong"})
    assert (code, document["code"]) == (403, "server.forbidden")


@pytest.mark.parametrize(("path", "name"), LEAVES)
async def test_the_authorizer_is_asked(ask, jp_serverapp, path, name, monkeypatch):
    refusing = Refusing(parent=jp_serverapp)
    monkeypatch.setattr(Refusing, "asked", [])
    monkeypatch.setitem(jp_serverapp.web_app.settings, "authorizer", refusing)
    body = {"config": {}} if name == "post" else None
    code, document = await ask(concrete(path), body)
    assert (code, document["code"]) == (403, "server.forbidden")
    assert refusing.asked == [("write" if name == "post" else "read", "ft")]


async def test_the_body_of_a_stranger_is_not_read(http_server, jp_http_port, jp_base_url):
    """Only the headers are sent: the answer comes without waiting for the gigabyte."""
    answer = await send_headers(
        jp_http_port,
        f"POST {jp_base_url}ft/api/datasets/preview HTTP/1.1\r\nHost: 127.0.0.1:{jp_http_port}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1073741824\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 403")


async def test_a_gigabyte_is_refused_before_it_is_sent(
    http_server, jp_http_port, jp_base_url, jp_auth_header
):
    token = jp_auth_header["Authorization"]
    answer = await send_headers(
        jp_http_port,
        f"POST {jp_base_url}ft/api/datasets/preview HTTP/1.1\r\nHost: 127.0.0.1:{jp_http_port}\r\n"
        f"Authorization: {token}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1073741824\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 413")
    document = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert document["code"] == "server.too_large"
    assert "67.2 MB" in document["message"]


async def test_a_body_in_chunks_is_refused_where_it_gets_too_large(
    http_server, jp_http_port, jp_base_url, jp_auth_header, jp_serverapp
):
    """Such a body tells no size; nothing of it is kept, and the answer has the form of all."""
    jp_serverapp.web_app.settings["ft"].max_request_bytes = 100_000
    chunk = "ffff\r\n" + "x" * 0xFFFF + "\r\n"
    answer = await send_headers(
        jp_http_port,
        f"POST {jp_base_url}ft/api/validate HTTP/1.1\r\nHost: 127.0.0.1:{jp_http_port}\r\n"
        f"Authorization: {jp_auth_header['Authorization']}\r\n"
        f"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunk * 2}",
    )
    assert answer.startswith(b"HTTP/1.1 413")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "server.too_large"


async def send_headers(port: int, text: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode())
    await writer.drain()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    body = await asyncio.wait_for(reader.readexactly(length), PATIENCE)
    writer.close()
    await writer.wait_closed()
    return head + body
