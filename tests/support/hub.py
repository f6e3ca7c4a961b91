"""A stand-in for the Hugging Face hub: repositories from folders, over HTTP, on this machine.

Each folder ``root/owner/name`` is a repository of a model with one commit, and each folder
``root/datasets/owner/name`` one of a dataset. A file ``.hub.json`` in it may say
``{"gated": "manual"}``, ``{"private": true}``, ``{"tags": ["v1"]}``, ``{"card": {...}}`` (what the
hub tells of the head of README.md) or ``{"status": 503}``. The client reads the address from
HF_ENDPOINT when it is imported, so tests use it in a subprocess.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

SETTINGS = ".hub.json"
NO_PROXY = {"no_proxy": "*", "NO_PROXY": "*"}
"""Nothing stands between a test and this machine."""
_OF_REVISION = ("revision", "tree", "paths-info")
TOKEN = "hf_let_me_in"
"""Whoever shows this token may read private and gated repositories."""


class Hub:
    """The repositories under `root`; `url` is where they are served."""

    def __init__(self, root: Path, url: str = "") -> None:
        self.root = root
        self.url = url
        self.requests: list[str] = []
        self.sent = 0
        """Bytes of files that were handed out."""

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
        return {**kept, **NO_PROXY, "HF_ENDPOINT": self.url, "HF_HOME": str(home), **more}


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
        with pytest.MonkeyPatch.context() as patch:
            for name, value in NO_PROXY.items():
                patch.setenv(name, value)
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

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._asked = json.loads(self.rfile.read(length) or b"{}")
        self._answer()

    def log_message(self, *arguments: Any) -> None:
        """Keep quiet."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.requests.append(f"{self.command} {path}")
        parts = path.split("/")
        if parts[:2] == ["api", "models"] and len(parts) >= 4:
            self._api("/".join(parts[2:4]), parts[4:])
        elif parts[:2] == ["api", "datasets"] and len(parts) >= 4:
            self._api("/".join(parts[1:4]), parts[4:])
        elif parts[:1] == ["datasets"] and len(parts) >= 6 and parts[3] == "resolve":
            self._file("/".join(parts[:3]), parts[4], "/".join(parts[5:]))
        elif len(parts) >= 5 and parts[2] == "resolve":
            self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._send(404, {"error": "no such page"})

    def _api(self, repository: str, rest: list[str]) -> None:
        if not self._readable(repository):
            return
        settings, commit = self.hub.settings(repository), self.hub.commit(repository)
        revision = rest[1] if len(rest) > 1 and rest[0] in _OF_REVISION else "main"
        if rest[:1] == ["auth-check"]:
            if settings.get("gated") and not self._trusted():
                self._send(403, {"error": "gated"}, {"X-Error-Code": "GatedRepo"})
            else:
                self._send(200, {})
        elif revision not in ("main", commit, *settings.get("tags", [])):
            self._send(404, {"error": "no revision"}, {"X-Error-Code": "RevisionNotFound"})
        elif rest[:1] == ["tree"]:
            self._tree(repository, "/".join(rest[2:]))
        elif rest[:1] == ["paths-info"]:
            files = {self._name(path, repository): path for path in self.hub.files(repository)}
            asked = [files[name] for name in self._asked["paths"] if name in files]
            self._send(200, [self._entry(path, repository) for path in asked])
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
                    "cardData": settings.get("card"),
                },
            )

    def _tree(self, repository: str, folder: str) -> None:
        """List a folder, or all that is below it."""
        files = {self._name(path, repository): path for path in self.hub.files(repository)}
        prefix = f"{folder}/" if folder else ""
        below = [name for name in files if name.startswith(prefix)]
        if not below and folder:
            self._send(404, {"error": "no folder"}, {"X-Error-Code": "EntryNotFound"})
            return
        deep = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() == "true"
        entries = [
            self._entry(files[name], repository)
            for name in below
            if deep or "/" not in name[len(prefix) :]
        ]
        folders = {
            "/".join(name.split("/")[:depth])
            for name in below
            for depth in range(prefix.count("/") + 1, name.count("/") + 1)
        }
        for name in sorted(folders):
            if deep or "/" not in name[len(prefix) :]:
                oid = hashlib.sha1(name.encode()).hexdigest()
                entries.append({"type": "directory", "path": name, "oid": oid, "size": 0})
        self._send(200, entries)

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
            headers = {"ETag": f'"{tag}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
            status, part = 200, data
            if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                start, end = int(asked[1]), int(asked[2] or len(data) - 1)
                status, part = 206, data[start : end + 1]
                headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(data)}"
            self.hub.sent += 0 if self.command == "HEAD" else len(part)
            self._send(status, part, headers)

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
