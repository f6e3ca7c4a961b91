"""What all routes share: who may ask, how a body is read, and the one form of an error."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from http.client import responses
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError, stream_request_body

from ft_runtime.data.places import printable
from ft_runtime.findings import FindingsError
from jupyter_ft.services.child import Stop
from jupyter_ft.services.problem import Problem, invalid_config, refuse
from jupyter_ft.services.statistics import sizes

if TYPE_CHECKING:
    from jupyter_ft.server.app import FtApp

T = TypeVar("T")
RESOURCE = "ft"
"""What an authorizer is asked about."""
_CODES = {401: "server.forbidden", 403: "server.forbidden", 404: "server.no_route"}


class FtHandler(APIHandler):
    """A route. Its methods carry ``@web.authenticated`` and ``@authorized`` themselves.

    They do so one by one, on the leaf: ``@authorized`` remembers resource and action of the first
    request to a method that it decorates, and would share them among inheriting routes.
    """

    auth_resource = RESOURCE
    _stop: Stop | None = None

    @property
    def ft(self) -> FtApp:
        """The extension with its settings."""
        app: FtApp = self.settings["ft"]
        return app

    async def work(self, call: Callable[..., T], *arguments: Any) -> T:
        """Run what reads files or waits for others in a thread, and not in the server's loop."""
        return await asyncio.get_running_loop().run_in_executor(None, call, *arguments)

    async def wait_for(self, call: Callable[..., T], *arguments: Any, stop: Stop) -> T:
        """Run what waits for a process of its own: few at once, and none that nobody waits for.

        The page asks anew while an id is typed, and ends the connection of the question before.

        Raises
        ------
        HTTPError
            When it does so before the work has begun; no one reads this.
        """

        def run() -> T:
            if stop.is_set:
                raise HTTPError(400)
            return call(*arguments)

        self._stop = stop
        return await asyncio.get_running_loop().run_in_executor(self.ft.waiting, run)

    def on_connection_close(self) -> None:
        """Stop what is done for someone who has gone."""
        super().on_connection_close()
        if self._stop is not None:
            self._stop.set()

    def answer(self, document: Any) -> None:
        """Write an answer as JSON."""
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(document, allow_nan=False))

    def answer_file(self, data: bytes, kind: str, name: str) -> None:
        """Write an answer as a file to be saved."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(data, set_content_type=kind)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write any error in the one form that all routes share.

        The message is not tornado's: that one loses percent signs, and tells nothing to do.
        """
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        problem = self._problem(status_code, error)
        self.set_status(problem.status)
        if problem.status >= 500:
            self.log.error("%s %s failed", self.request.method, self.request.path)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(problem.body()))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Keep refusals out of the log of errors: they are answers."""
        if not isinstance(value, Problem | FindingsError):
            super().log_exception(typ, value, tb)

    def _problem(self, status: int, error: BaseException | None) -> Problem:
        if isinstance(error, Problem):
            return error
        if isinstance(error, FindingsError):
            return invalid_config(error.findings)
        if status == 405:
            return refuse(status, "server.bad_method", got=str(self.request.method))
        if status in _CODES:
            return refuse(status, _CODES[status])
        if isinstance(error, HTTPError) and status < 500:
            reason = f"{status} {responses.get(status, '')}".strip()
            return refuse(status, "server.request_failed", status=reason)
        return refuse(500 if status < 500 else status, "server.internal")


@stream_request_body
class BodyHandler(FtHandler):
    """A route that takes a body: read only after the user is known and the size is allowed."""

    def initialize(self) -> None:
        """Prepare for a body."""
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def limit(self) -> int:
        """Largest body in bytes."""
        return int(self.ft.max_request_bytes)

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse strangers, and what is too large, before anything of the body is read."""
        await super().prepare()
        if self.current_user is None:
            raise HTTPError(403)
        if int(self.request.headers.get("Content-Length") or 0) > self.limit:
            # What was not read cannot be skipped: the connection ends here.
            self.set_header("Connection", "close")
            raise self._too_large()
        # A body in chunks tells no size: it is counted below, and refused in our form.
        connection: Any = self.request.connection
        connection.set_max_body_size(sys.maxsize)

    def data_received(self, chunk: bytes) -> None:
        """Collect the body; once it is too large, answer and end the connection."""
        self._size += len(chunk)
        if self._size <= self.limit:
            self._chunks.append(chunk)
        elif not self._finished:
            self._chunks.clear()
            self.set_header("Connection", "close")
            self.send_error(413, exc_info=(Problem, self._too_large(), None))

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self._chunks)

    def json_object(self) -> Mapping[str, Any]:
        """Return the body, which must be one JSON object.

        Raises
        ------
        Problem
            415 for another type, 400 for what is no object.
        """
        kind = self.request.headers.get("Content-Type", "application/json")
        if kind.partition(";")[0].strip().lower() != "application/json":
            values = {"got": printable(kind, 80), "expected": "application/json"}
            raise refuse(415, "server.unsupported_type", "Content-Type", **values)
        try:
            document = json.loads(self.body.decode("utf-8"), parse_constant=_no_constant)
        except UnicodeDecodeError as error:
            problem = f"byte {error.start + 1} is not UTF-8"
            raise refuse(400, "server.bad_json", problem=problem) from None
        except json.JSONDecodeError as error:
            problem = f"line {error.lineno}, column {error.colno}: {error.msg}"
            raise refuse(400, "server.bad_json", problem=problem) from None
        except (ValueError, RecursionError) as error:
            problem = str(error) or "it is nested too deeply"
            raise refuse(400, "server.bad_json", problem=problem) from None
        if not isinstance(document, dict):
            raise refuse(400, "server.bad_json", problem=f"it is a {type(document).__name__}")
        return document

    def _too_large(self) -> Problem:
        return refuse(413, "server.too_large", limit=sizes(self.limit))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")
