"""axe looks at the page as a reader with a screen reader or weak eyes would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[3] / "labextension/node_modules/axe-core/axe.min.js"
# What needs the whole page, which is JupyterLab's: landmarks and its heading of level one.
OTHERS = {"rules": {"region": {"enabled": False}, "page-has-heading-one": {"enabled": False}}}
# JupyterLab's body has no height and hides what overflows. Browsers apply that to the window; axe
# does not know, and would take everything for invisible.
SHOW = "() => { document.body.style.overflow = 'visible'; }"


def violations(page: Page, selector: str = "#jupyter-ft-panel") -> list[str]:
    """Return what axe objects to within a part of the page, with the elements it means."""
    if not page.evaluate("() => 'axe' in window"):
        page.add_script_tag(path=AXE)
        page.evaluate(SHOW)
    found: dict[str, Any] = page.evaluate(
        "([selector, options]) => axe.run(selector, options)", [selector, OTHERS]
    )
    read = [
        node for rule in found["passes"] if rule["id"] == "color-contrast" for node in rule["nodes"]
    ]
    assert len(read) >= 5, "axe has seen no text"
    # Of colours below something that overlaps them it cannot judge.
    doubts = [rule for rule in found["incomplete"] if rule["id"] != "color-contrast"]
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for rule in found["violations"] + doubts
        for node in rule["nodes"]
    ]
