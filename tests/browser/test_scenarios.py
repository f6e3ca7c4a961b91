"""The scenarios of validation once more, typed into the real page and answered by the server."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from support.browser import wizard

TABLE = Path(__file__).parents[1] / "support" / "scenarios.json"
NAMES = {"error": "Error", "warning": "Warning", "info": "Note"}
SHOWN = ".jp-ft-places > li"


def type_in(page: Page, path: str, value: str | bool, steps: dict[str, str]) -> None:
    """Type into a field, or choose, at the step that asks for it."""
    page.locator(f"#ft-step-{steps[path]}").click()
    control = page.locator(f"#ft-{path.replace('.', '-')}")
    if control.count() == 0:
        page.locator(f"#ft-advanced-{steps[path]}").click()
    if isinstance(value, bool):
        control.set_checked(value)
    elif control.evaluate("node => node.tagName") == "SELECT":
        control.select_option(json.dumps(value))
    else:
        control.fill(value)


def steps_of(schema: dict, prefix: str = "", step: str = "review") -> dict[str, str]:
    """Return the step of every field by its path."""
    found = {}
    for name, field in schema["properties"].items():
        own = field.get("x-step", step)
        inner = steps_of(field, f"{prefix}{name}.", own) if "properties" in field else {}
        found |= inner or {f"{prefix}{name}": own}
    return found


def test_the_page_shows_what_the_server_finds(lab, page) -> None:
    scenarios = [one for one in json.loads(TABLE.read_text(encoding="utf-8")) if "typed" in one]
    page.goto(lab.address())
    wizard.open_panel(page)
    schema = page.request.get(f"{lab.url}/ft/api/schema?token={lab.token}").json()
    steps = steps_of(schema)
    for scenario in scenarios:
        page.locator("#ft-reset").click()
        for path, value in scenario["typed"]:
            type_in(page, path, value, steps)
        page.locator("#ft-step-review").click()
        findings = scenario["findings"]
        texts = [
            f"{NAMES[item['severity']]}: {item['message']} {item['hint']}".rstrip()
            for item in findings
        ]
        expect(page.locator(f"{SHOWN} .jp-ft-finding")).to_have_text(texts)
        places = [item["where"] for item in findings]
        expect(page.locator(f"{SHOWN} > :first-child")).to_have_text(places)
    assert len(scenarios) >= 20
