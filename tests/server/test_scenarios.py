"""The scenarios of validation: what the front end is tested with is what the server answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SCENARIOS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "support" / "scenarios.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"])
async def test_the_server_finds_what_the_front_end_shows(ask, scenario):
    door = "text" if "text" in scenario else "config"
    code, answer = await ask("validate", {door: scenario[door]})
    expected = [
        {key: value for key, value in finding.items() if key != "beside"}
        for finding in scenario["findings"]
    ]
    assert code == 200
    assert answer["findings"] == expected
    assert answer["valid"] == all(item["severity"] != "error" for item in expected)


def test_there_are_enough_of_them_and_no_two_are_alike():
    assert len(SCENARIOS) >= 20
    assert len({scenario["name"] for scenario in SCENARIOS}) == len(SCENARIOS)
