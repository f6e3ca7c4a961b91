"""Datasets of a stand-in hub as far as the server itself asks; another program gives the rows."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_ft.services.child import Child
from jupyter_ft.services.hub_datasets import HubDatasets
from jupyter_ft.services.models import HubClient
from jupyter_ft.services.places import Root
from jupyter_ft.services.preview import Limits, preview
from jupyter_ft.services.problem import Problem
from support.hub import SETTINGS, TOKEN, Hub, serve

from .conftest import PATIENCE
from .test_models import closed_port, no_settings_of_the_user  # noqa: F401
from .test_routes import check

ROWS = [{"question": f"q{i}", "sql": f"select {i}"} for i in range(30)]
TOLD = {
    "rows": ROWS, "complete": False, "total": 1000, "split": "train",
    "splits": ["train", "test"], "configs": ["default"], "findings": [],
}  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path):
    with serve(tmp_path / "hub") as running:
        yield running


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """An interpreter in whose place a script notes what it is asked, and answers `TOLD`."""
    place = tmp_path / "python"
    place.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys\n"
        "asked = json.load(sys.stdin) | {'endpoint': os.environ['HF_ENDPOINT'], 'in': os.listdir()}\n"
        f"open({str(tmp_path / 'asked')!r}, 'a').write(json.dumps(asked) + '\\n')\n"
        f"print({json.dumps(TOLD)!r})\n"
    )
    place.chmod(0o755)
    return place


def make(hub: Hub, name: str, **settings: Any) -> None:
    folder = hub.root / "datasets" / name
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text("{}\n")
    (folder / SETTINGS).write_text(json.dumps(settings))


def look(datasets: HubDatasets, **body: Any) -> dict[str, Any]:
    answer = preview(body, Root(None), Limits(), datasets)
    check("Preview", answer)
    return answer


def codes(answer: dict[str, Any]) -> list[str]:
    return [item["code"] for item in answer["findings"]]


def test_rows_are_shown_as_those_of_a_file(hub, program, tmp_path):
    make(hub, "owner/data", card={"license": "mit"})
    answer = look(
        HubDatasets(HubClient(hub.url, PATIENCE), Child(str(program), PATIENCE)), id="owner/data"
    )
    assert answer["format"] == "jsonl_prompt"
    assert answer["mapping"] == {"prompt": "question", "completion": "sql"}
    assert answer["rows"] == ROWS[:20]
    assert answer["lines"] == list(range(1, 21))
    assert (answer["total_rows"], answer["estimated_rows"]) == (None, 1000)
    assert answer["statistics"]["rows"] == answer["statistics"]["usable"] == 30
    assert answer["hub"] == {
        "id": "owner/data",
        "licence": "mit",
        "gated": False,
        "commit": hub.commit("datasets/owner/data"),
        "config_name": None,
        "configs": ["default"],
        "split": "train",
        "splits": ["train", "test"],
    }
    assert codes(answer) == ["server.hub_partial"]
    asked = json.loads((tmp_path / "asked").read_text())
    assert asked["revision"] == hub.commit("datasets/owner/data"), "the commit that was described"
    assert asked["endpoint"] == hub.url
    assert asked["in"] == [], "a folder of the dataset's name would be read in its place"


def test_rows_are_fetched_once(hub, program, tmp_path):
    make(hub, "owner/data", tags=["v1"])
    datasets = HubDatasets(HubClient(hub.url, PATIENCE), Child(str(program), PATIENCE))
    columns = {"prompt": "sql", "completion": "question"}
    look(datasets, id="owner/data")
    look(datasets, id="owner/data", revision="v1")
    answer = look(datasets, id="owner/data", format="jsonl_prompt", columns=columns)
    assert answer["mapping"] == columns
    assert len((tmp_path / "asked").read_text().splitlines()) == 1
    look(datasets, id="owner/data", split="test")
    assert len((tmp_path / "asked").read_text().splitlines()) == 2


def test_a_gate_is_open_to_some(hub, program, monkeypatch):
    make(hub, "owner/data", gated="manual", card={"license": ["mit", "other"]})
    client = HubClient(hub.url, PATIENCE)
    answer = look(HubDatasets(client, Child(str(program), PATIENCE)), id="owner/data")
    assert codes(answer) == ["data.hub_gated"]
    assert (answer["hub"]["gated"], answer["hub"]["licence"]) == (True, "mit, other")
    assert answer["rows"] == []
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert look(HubDatasets(client, Child(str(program), PATIENCE)), id="owner/data")["rows"]


@pytest.mark.parametrize(
    ("name", "settings", "body", "code"),
    [
        ("owner/other", {}, {}, "data.hub_missing"),
        ("owner/data", {"private": True}, {}, "data.hub_missing"),
        ("owner/data", {}, {"revision": "v9"}, "data.hub_revision"),
        ("owner/data", {"status": 503}, {}, "server.hub_failed"),
        ("owner/data", {}, {"id": "../../etc"}, "data.hub_missing"),
        ("owner/data", {}, {"id": "<b>\u202e"}, "data.hub_missing"),
        ("owner/data", {}, {"id": ""}, "data.hub_missing"),
    ],
)
def test_what_stands_in_the_way_is_a_finding(hub, name, settings, body, code):
    make(hub, name, **settings)
    datasets = HubDatasets(HubClient(hub.url, PATIENCE), Child("/bin/false"))
    answer = look(datasets, **{"id": "owner/data", **body})
    assert codes(answer) == [code]
    assert answer["findings"][0]["hint"]


def test_an_offline_machine_is_a_finding(hub, monkeypatch):
    no = Child("/bin/false")
    with closed_port() as port:
        client = HubClient(f"http://127.0.0.1:{port}", PATIENCE)
        assert codes(look(HubDatasets(client, no), id="a/b")) == ["server.hub_unreachable"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        answer = look(HubDatasets(HubClient(address, 0.2), no), id="a/b")
        assert codes(answer) == ["server.hub_timeout"]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert codes(look(HubDatasets(HubClient(hub.url, PATIENCE), no), id="a/b")) == [
        "server.hub_offline"
    ]
    assert hub.requests == []


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("echo broken >&2; exit 1", "server.rows_failed"),
        ("echo '[1]'", "server.rows_failed"),
        ("echo \"No module named 'ft_runtime'\" >&2; exit 1", "server.no_datasets"),
        ("sleep 60", "server.rows_timeout"),
    ],
)
def test_a_program_that_gives_no_rows_is_a_finding(hub, tmp_path, script, code):
    make(hub, "owner/data")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    child = Child(str(program), 0.5 if "sleep" in script else PATIENCE)
    answer = look(HubDatasets(HubClient(hub.url, PATIENCE), child), id="owner/data")
    assert codes(answer) == [code]
    assert answer["hub"]["commit"]


async def test_the_route_takes_a_file_or_a_dataset(ask, jp_serverapp, hub, program):
    app = jp_serverapp.web_app.settings["ft"]
    app.hub_endpoint, app.python = hub.url, str(program)
    make(hub, "owner/data")
    status, answer = await ask("datasets/preview", {"id": "owner/data", "split": None})
    assert (status, answer["hub"]["split"]) == (200, "train")
    for body, code in (
        ({}, "server.missing_field"),
        ({"id": "a/b", "path": "c.jsonl"}, "server.both_fields"),
        ({"id": 1}, "server.bad_field"),
    ):
        status, answer = await ask("datasets/preview", body)
        assert (status, answer["code"]) == (400, code)


def test_a_request_without_data_is_refused():
    with pytest.raises(Problem):
        preview({}, Root(None), Limits(), HubDatasets(HubClient(), Child("/bin/false")))
