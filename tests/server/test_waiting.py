"""What is asked of another process: few at once, and stopped when nobody waits for the answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from jupyter_ft.server.app import FtApp
from jupyter_ft.services.child import Child, ChildError, Stop
from support.hub import Hub, serve

from .test_hub_datasets import TOLD, make
from .test_models import no_settings_of_the_user  # noqa: F401

PATIENCE = 120  # seconds, for a machine with other work


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serve(tmp_path / "hub") as running:
        yield running


@pytest.fixture
def begun(tmp_path: Path) -> Callable[[], list[int]]:
    """The process ids of the programs that have begun."""
    return lambda: [int(place.name) for place in tmp_path.glob("begun/*")]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """An interpreter in whose place a script says that it has begun, and ends only when told."""
    (tmp_path / "begun").mkdir()
    os.mkfifo(tmp_path / "go")
    place = tmp_path / "python"
    place.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "sys.stdin.read()\n"
        f"open({str(tmp_path / 'begun')!r} + f'/{{os.getpid()}}', 'w').close()\n"
        f"open({str(tmp_path / 'go')!r}).read()\n"
        f"print({json.dumps(TOLD)!r})\n"
    )
    place.chmod(0o755)
    return place


def runs(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def until(condition: Callable[[], Any]) -> None:
    async def look() -> None:
        while not condition():
            await asyncio.sleep(0.01)  # between two looks

    await asyncio.wait_for(look(), PATIENCE)


@pytest.fixture
def typed(jp_serverapp, jp_base_url, jp_auth_header, http_server_client, hub: Hub, program: Path):
    """Ask for the rows of a dataset, as a page does that may go away; gives the connection."""
    app = jp_serverapp.web_app.settings["ft"]
    app.hub_endpoint, app.python = hub.url, str(program)
    make(hub, "owner/data")

    @asynccontextmanager
    async def ask(split: str):
        body = json.dumps({"id": "owner/data", "split": split}).encode()
        headers = {
            "Host": "localhost",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **jp_auth_header,
        }
        lines = [f"POST {jp_base_url}ft/api/datasets/preview HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_serverapp.port)
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        yield reader
        writer.close()
        await writer.wait_closed()

    return ask


async def test_the_process_of_a_question_ends_with_its_connection(typed, begun):
    async with typed("train"):
        await until(begun)
        (pid,) = begun()
        assert runs(pid)
    await until(lambda: not runs(pid))


async def test_letters_typed_one_by_one_pile_up_nothing(typed, begun, tmp_path, jp_serverapp, ask):
    questions = jp_serverapp.web_app.settings["ft"]._stops
    async with contextlib.AsyncExitStack() as some:
        for letter in "abcd":
            await some.enter_async_context(typed(letter))
        await until(lambda: len(begun()) == 4)
        async with contextlib.AsyncExitStack() as more:
            for letter in "efgh":
                await more.enter_async_context(typed(letter))
            await until(lambda: len(questions) == 8)
            # A file is looked at meanwhile as quickly as ever.
            rows = '{"prompt": "a", "completion": "b"}\n'
            Path(jp_serverapp.root_dir, "rows.jsonl").write_text(rows)
            status, answer = await ask("datasets/preview", {"path": "rows.jsonl"})
            assert (status, answer["total_rows"]) == (200, 1)
        await until(lambda: sum(stop.is_set for stop in questions) == 4)
    await until(lambda: not any(map(runs, begun())))
    async with typed("last") as reader:
        await until(lambda: len(begun()) == 5)
        (tmp_path / "go").write_text("")
        assert b"200 OK" in await reader.readline()
    assert len(begun()) == 5, "what nobody waited for any more was never begun"


async def test_the_server_ends_the_processes_that_run(typed, begun, jp_serverapp):
    async with typed("train") as reader:
        await until(begun)
        await jp_serverapp.web_app.settings["ft"].stop_extension()
        await until(lambda: not runs(begun()[0]))
        assert b"200 OK" in await reader.readline()


async def test_an_extension_that_was_not_set_up_keeps_no_server_from_ending():
    """The server ends those, too, that it could not link, as for a setting that is no number."""
    await FtApp().stop_extension()


def test_what_was_stopped_before_it_began_never_begins(program, begun):
    stop = Stop()
    stop.set()
    with pytest.raises(ChildError):
        Child(str(program), 30, stop).ask("any", {})
    assert begun() == []


def test_what_is_stopped_while_it_begins_is_stopped_all_the_same():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    stop = Stop()
    stop.set()
    stop.watch(process)
    with process:
        assert process.wait(PATIENCE) != 0
