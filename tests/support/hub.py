"""A stand-in for the Hugging Face hub: model repositories from folders, over HTTP, on this machine.

Each folder ``root/owner/name`` is a repository with one commit. A file ``.hub.json`` in it may say
``{"gated": "manual"}``, ``{"private": true}``, ``{"tags": ["v1"]}`` or ``{"status": 503}``. The
client reads the address from HF_ENDPOINT when it is imported, so tests use it in a subprocess.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

SETTINGS = ".hub.json"
TOKEN = "hf_let_me_in"
"""Whoever shows this token may read private and gated repositories."""


class Hub:
    """The repositories under `root`; `url` is where they are served."""

    def __init__(self, root: Path, url: str = "") -> None:
        self.root = root
        self.url = url
        self.requests: list[str] = []

    def commit(self, repository: str) -> str:
        """Return the commit of a repository: a hash over its files."""
        digest = hashlib.sha1()
        for path in self.files(repository):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    def files(self, repository: str) -> list[Path]:
        folder = self.root / repository
        return sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SETTINGS)

    def settings(self, repository: str) -> dict[str, Any]:
        path = self.root / repository / SETTINGS
        return json.loads(path.read_text()) if path.is_file() else {}

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Return the environment of a client whose cache is `home`."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
        return {**kept, "HF_ENDPOINT": self.url, "HF_HOME": str(home), **more}


@contextmanager
def serve(root: Path) -> Iterator[Hub]:
    """Serve the repositories under `root` until the block ends."""
    hub = Hub(root)
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run_client(script: str, environment: dict[str, str], *arguments: str) -> Any:
    """Run a script in a process of its own; return what it prints last, read as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *arguments: Any) -> None:
        """Keep quiet."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.requests.append(f"{self.command} {path}")
        parts = path.split("/")
        if parts[:2] == ["api", "models"] and len(parts) >= 4:
            self._api("/".join(parts[2:4]), parts[4:])
        elif len(parts) >= 5 and parts[2] == "resolve":
            self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._send(404, {"error": "no such page"})

    def _api(self, repository: str, rest: list[str]) -> None:
        if not self._readable(repository):
            return
        settings, commit = self.hub.settings(repository), self.hub.commit(repository)
        revision = rest[1] if len(rest) > 1 and rest[0] in ("revision", "tree") else "main"
        if rest[:1] == ["auth-check"]:
            if settings.get("gated") and not self._trusted():
                self._send(403, {"error": "gated"}, {"X-Error-Code": "GatedRepo"})
            else:
                self._send(200, {})
        elif revision not in ("main", commit, *settings.get("tags", [])):
            self._send(404, {"error": "no revision"}, {"X-Error-Code": "RevisionNotFound"})
        elif rest[:1] == ["tree"]:
            if len(rest) > 2:
                self._send(404, {"error": "no folder"}, {"X-Error-Code": "EntryNotFound"})
            else:
                self._send(
                    200, [self._entry(path, repository) for path in self.hub.files(repository)]
                )
        else:
            siblings = [
                {"rfilename": self._name(p, repository)} for p in self.hub.files(repository)
            ]
            self._send(
                200,
                {
                    "id": repository,
                    "modelId": repository,
                    "sha": commit,
                    "gated": settings.get("gated", False),
                    "private": settings.get("private", False),
                    "disabled": False,
                    "tags": [],
                    "downloads": 0,
                    "likes": 0,
                    "siblings": siblings,
                },
            )

    def _file(self, repository: str, revision: str, name: str) -> None:
        if not self._readable(repository):
            return
        settings, commit = self.hub.settings(repository), self.hub.commit(repository)
        path = self.hub.root / repository / name
        if settings.get("gated") and not self._trusted():
            self._send(403, {"error": "gated"}, {"X-Error-Code": "GatedRepo"})
        elif revision not in ("main", commit, *settings.get("tags", [])):
            self._send(404, {"error": "no revision"}, {"X-Error-Code": "RevisionNotFound"})
        elif not path.is_file() or name == SETTINGS:
            headers = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}
            self._send(404, {"error": "no file"}, headers)
        else:
            data = path.read_bytes()
            tag = hashlib.sha1(data).hexdigest()
            self._send(200, data, {"ETag": f'"{tag}"', "X-Repo-Commit": commit})

    def _readable(self, repository: str) -> bool:
        """Answer for what must not or cannot be read, and say whether the request may go on."""
        settings = self.hub.settings(repository)
        if "status" in settings:
            self._send(settings["status"], {"error": "out of order"})
        elif not (self.hub.root / repository).is_dir() or (
            settings.get("private") and not self._trusted()
        ):
            self._send(401, {"error": "not found"}, {"X-Error-Code": "RepoNotFound"})
        else:
            return True
        return False

    def _trusted(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _name(self, path: Path, repository: str) -> str:
        return path.relative_to(self.hub.root / repository).as_posix()

    def _entry(self, path: Path, repository: str) -> dict[str, Any]:
        data = path.read_bytes()
        return {
            "type": "file",
            "path": self._name(path, repository),
            "size": len(data),
            "oid": hashlib.sha1(data).hexdigest(),
        }

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
