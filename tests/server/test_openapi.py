"""The OpenAPI document: valid, complete, and true (schemathesis asks a running server)."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from jupyter_ft.server.openapi import openapi_document
from jupyter_ft.server.routes import ROUTES
from support.servers import end

TOKEN = "schemathesis"
# The rules of a config are those of its own schema: an object that fits this document may break them.
ACCEPTANCE = positive_data_acceptance
EXAMPLES = 40
PATIENCE = 300  # seconds: a busy machine is no fault of the server


def test_the_document_is_valid():
    validate(openapi_document())


def test_it_names_every_route_and_no_other():
    described = {
        (path.lstrip("/"), method)
        for path, operations in openapi_document()["paths"].items()
        for method in operations
    }
    served = {
        (path, method)
        for path, handler in ROUTES.items()
        for method in ("get", "post", "put", "patch", "delete")
        if method in vars(handler)
    }
    assert described == served


async def test_it_is_served_with_the_address_of_the_server(ask, jp_base_url):
    code, document = await ask("openapi")
    assert code == 200
    assert document["servers"] == [{"url": f"{jp_base_url}ft/api"}]
    assert document == openapi_document(jp_base_url)


def test_every_error_is_described_in_the_one_form():
    for path, operations in openapi_document()["paths"].items():
        for operation in operations.values():
            assert "403" in operation["responses"], path
            for status, response in operation["responses"].items():
                assert status == "200" or response["$ref"].startswith("#/components/responses/")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """A real ``jupyter server`` in a process of its own; yields its address."""
    folder = tmp_path_factory.mktemp("server")
    root = folder / "root"
    root.mkdir()
    (root / "rows.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 3)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jupyter_server",
            f"--IdentityProvider.token={TOKEN}",
            "--ServerApp.port=0",
            "--ServerApp.ip=127.0.0.1",
            "--ServerApp.open_browser=False",
            "--ServerApp.allow_root=True",
            "--ServerApp.jpserver_extensions={'jupyter_ft': True}",
            f"--ServerApp.root_dir={root}",
            "--FtApp.hub_endpoint=http://127.0.0.1:9",
            # Rows are rendered by a program that knows nothing: what is tested here is the route.
            "--FtApp.python=/bin/false",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "JUPYTER_RUNTIME_DIR": str(folder),
            "JUPYTER_CONFIG_DIR": str(folder),
            "JUPYTER_PLATFORM_DIRS": "1",
        },
    )
    try:
        yield wait_for(process)
    finally:
        end(process)


def wait_for(process: subprocess.Popen[str]) -> str:
    """Return the address that the server prints, once it listens; go on reading what it prints."""
    lines: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/\S*token=", line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            listening(process, int(found[1]))
            return f"http://127.0.0.1:{found[1]}/"
    raise AssertionError("".join(lines))


def listening(process: subprocess.Popen[str], port: int) -> None:
    """Wait until the port answers: the address is printed a moment before."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return
        except ConnectionRefusedError:
            continue
    raise AssertionError("the server has ended")


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_the_running_server_does_what_the_document_says(server, mode):
    """Every operation, with requests that fit the document and with such that do not."""
    headers = {"Authorization": f"token {TOKEN}"}
    schema = schemathesis.openapi.from_url(
        f"{server}ft/api/openapi", headers=headers, timeout=PATIENCE
    )
    seen = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        seen.add(operation.path)

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case):
            response = case.call(base_url=f"{server}ft/api", headers=headers, timeout=PATIENCE)
            case.validate_response(response, headers=headers, excluded_checks=[ACCEPTANCE])

        # What takes no parameter cannot be asked wrongly.
        if mode is GenerationMode.POSITIVE or operation.body or operation.path_parameters:
            run()
    # The address of the document itself is asked above.
    assert seen == {f"/{path}" for path in ROUTES} - {"/openapi"}
