"""Asking the Hugging Face hub about a model or a dataset, with nothing but the standard library.

huggingface_hub is not installed with the server, which is why it is not used here. urllib is, it
honours the proxies of the environment (tornado's client does not), and the same code serves the
wizard in a kernel, where no tornado may be relied on. It blocks: routes call it in a thread.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ft_runtime.files import from_home

ENDPOINT = "https://huggingface.co"
_MAX_BYTES = 32 << 20
_KEPT = 256
_TRUE = {"1", "true", "yes", "on"}
ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9_][\w.-]{0,95})?", re.ASCII)
"""Ids of repositories, as the hub allows them."""


class HubError(Exception):
    """The hub did not give what was asked for.

    Attributes
    ----------
    status : int
        Of the answer; 0 when there was none.
    code : str
        What the hub calls it: ``RepoNotFound``, ``GatedRepo``, ``RevisionNotFound``, ...
    timeout : bool
    """

    def __init__(self, message: str, status: int = 0, code: str = "", timeout: bool = False):
        super().__init__(message)
        self.status, self.code, self.timeout = status, code, timeout


@dataclass
class HubClient:
    """Reads descriptions and small files of repositories.

    Parameters
    ----------
    endpoint : str
        By default ``HF_ENDPOINT``, or the public hub.
    timeout : float
        Seconds for one question, connecting included.
    keep : float
        Seconds for which a good answer is used again: an estimate asks after every keystroke.
    keep_failures : float
        Seconds for which a failure is: each of these questions would wait for the time-out.
    """

    endpoint: str = ""
    timeout: float = 5.0
    keep: float = 300.0
    keep_failures: float = 15.0
    _cache: dict[str, tuple[float, Any]] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        chosen = self.endpoint or os.environ.get("HF_ENDPOINT", "") or ENDPOINT
        self.endpoint = chosen.rstrip("/")

    @property
    def offline(self) -> bool:
        """Whether the user has switched the hub off."""
        return os.environ.get("HF_HUB_OFFLINE", "").lower() in _TRUE

    def describe(
        self, repository: str, revision: str | None, kind: str = "models"
    ) -> dict[str, Any]:
        """Return what the hub says of a model, or of one of the other ``kind``, ``datasets``.

        Raises
        ------
        HubError
        """
        tail = f"/revision/{quote(revision, safe='')}" if revision else ""
        found = self._json(f"/api/{kind}/{repository}{tail}")
        if not isinstance(found, dict):
            raise HubError("the answer is no description of a repository")
        return found

    def may_read(self, repository: str, kind: str = "models") -> bool:
        """Tell whether this user may read the files of a gated model or dataset.

        Raises
        ------
        HubError
        """
        try:
            self._get(f"/api/{kind}/{repository}/auth-check")
        except HubError as failure:
            if failure.status in (401, 403):
                return False
            raise
        return True

    def file(self, repository: str, commit: str, name: str) -> Any:
        """Return a JSON file of a repository; None when it has none of that name.

        Raises
        ------
        HubError
        """
        try:
            return self._json(f"/{repository}/resolve/{quote(commit, safe='')}/{name}")
        except HubError as failure:
            if failure.status == 404:
                return None
            raise

    def _json(self, path: str) -> Any:
        with self._lock:
            known = self._cache.get(path)
        if known:
            failed = isinstance(known[1], HubError)
            if time.monotonic() - known[0] < (self.keep_failures if failed else self.keep):
                if failed:
                    raise known[1]
                return known[1]
        try:
            value = self._read(path)
        except HubError as error:
            self._remember(path, error)
            raise
        self._remember(path, value)
        return value

    def forget_failures(self) -> None:
        """Ask again what has failed: the user wants to know how it is now."""
        with self._lock:
            failed = [
                path for path, (_, value) in self._cache.items() if isinstance(value, HubError)
            ]
            for path in failed:
                del self._cache[path]

    def _read(self, path: str) -> Any:
        try:
            return json.loads(self._get(path))
        except (ValueError, RecursionError):
            raise HubError("the hub answered something that is no JSON") from None

    def _remember(self, path: str, value: Any) -> None:
        with self._lock:
            if len(self._cache) >= _KEPT:
                self._cache.clear()
            self._cache[path] = (time.monotonic(), value)

    def _get(self, path: str) -> bytes:
        request = Request(self.endpoint + path, headers={"User-Agent": "jupyter-ft"})
        if token := _token():
            # Unredirected: a repository may send us to another host, which has no business with it.
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        try:
            with build_opener(_Redirects(token)).open(request, timeout=self.timeout) as answer:
                data: bytes = answer.read(_MAX_BYTES + 1)
        except HTTPError as error:
            with error:
                code = error.headers.get("X-Error-Code", "") or ""
                raise HubError(f"HTTP {error.code}", error.code, code) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            late = isinstance(error, TimeoutError) or isinstance(reason, TimeoutError)
            text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
            raise HubError(text, timeout=late) from None
        if len(data) > _MAX_BYTES:
            raise HubError(f"the answer is larger than {_MAX_BYTES >> 20} MB")
        return data


class _Redirects(HTTPRedirectHandler):
    """Follows redirects, and shows the token again to the same host only (a renamed model)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        found = super().redirect_request(req, fp, code, msg, headers, newurl)
        here, there = urlsplit(req.full_url), urlsplit(newurl)
        same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
        if found is not None and self._token and same:
            found.add_unredirected_header("Authorization", f"Bearer {self._token}")
        return found


def _token() -> str:
    """Return the token of this user, from where huggingface_hub looks for it; empty for none."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if value := os.environ.get(name, "").strip():
            return value if value.isascii() and value.isprintable() else ""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{cache}/huggingface"
    place = Path(from_home(os.environ.get("HF_TOKEN_PATH") or f"{home}/token"))
    try:
        value = place.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return value if value.isprintable() else ""
