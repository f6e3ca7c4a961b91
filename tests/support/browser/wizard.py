"""What a person does in the wizard."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from support.browser.notebook import wait_for_kernel

KEY = "jupyter-ft:wizard"
"""Under which the browser keeps what was typed."""
RESTORED = "() => window.jupyterapp?.restored.then(() => true)"


def open_wizard(page: Page, address: str) -> None:
    """Open a notebook in JupyterLab, wait for its kernel, then open the sidebar."""
    page.goto(address)
    wait_for_kernel(page)
    open_panel(page)


def open_panel(page: Page) -> None:
    """Open the sidebar, once JupyterLab has put there what it wants to have in front at first."""
    page.wait_for_function(RESTORED)
    page.locator('.jp-SideBar [data-id="jupyter-ft-panel"]').click()
    expect(page.locator("#ft-step-model")).to_be_visible()


def reload(page: Page) -> None:
    """Load the page again, and have the panel in view as JupyterLab does once it saved the layout."""
    page.reload()
    page.wait_for_function(RESTORED)
    if panel(page).is_hidden():
        open_panel(page)


def begin_with(page: Page, draft: dict[str, Any], step: str = "review") -> None:
    """Let the page find what was typed into it earlier."""
    steps = ["model", "data", "training", "review"]
    state = {"version": 1, "step": step, "draft": draft, "visited": steps, "detected": None}
    text = json.dumps(json.dumps({**state, "saved": 1}))
    page.add_init_script(f"localStorage[{KEY!r}] ??= {text}")


def draft(page: Page) -> dict[str, Any]:
    """Return what the page keeps of what was typed."""
    return json.loads(page.evaluate(f"sessionStorage[{KEY!r}] ?? localStorage[{KEY!r}]"))["draft"]


def panel(page: Page) -> Locator:
    return page.locator("#jupyter-ft-panel")


def set_width(page: Page, width: int) -> None:
    """Drag the edge of the sidebar."""
    box = panel(page).bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] + 3, y)
    page.mouse.down()
    page.mouse.move(box["x"] + width + 3, y, steps=4)
    page.mouse.up()
    expect(panel(page)).to_have_js_property("clientWidth", width)


def fill_model(page: Page) -> None:
    page.locator("#ft-step-model").click()
    page.locator("#ft-provider").select_option(label="hf_local")
    page.locator("#ft-model_id").fill("tiny")


def check_model(page: Page) -> None:
    page.locator("#ft-check-model").click()
    expect(facts(page)).to_contain_text("LlamaForCausalLM")


def fill_data(page: Page, path: str = "data/technical_qa.jsonl") -> None:
    page.locator("#ft-step-data").click()
    page.locator("#ft-dataset-path").fill(path)


def preview(page: Page) -> Locator:
    """Wait for the first rows of the data."""
    table = page.locator("#ft-preview-table")
    expect(table).to_be_visible()
    return table


def fill_training(page: Page, steps: int = 2, output: str = "") -> None:
    """Take the preset for a first look, made shorter still."""
    page.locator("#ft-step-training").click()
    page.locator("#ft-preset").select_option("first_look")
    page.locator("#ft-apply-preset").click()
    page.locator("#ft-advanced-training").click()
    page.locator("#ft-hyperparams-max_steps").fill(str(steps))
    page.locator("#ft-eval-max_rows").fill("2")
    page.locator("#ft-eval-max_new_tokens").fill("4")
    if output:
        page.locator("#ft-step-review").click()
        page.locator("#ft-artifacts-output_dir").fill(output)


def review(page: Page) -> None:
    """Go to the last step and wait until the server has nothing against the config."""
    page.locator("#ft-step-review").click()
    expect(shown_config(page)).to_contain_text("model_id")
    expect(page.locator("#ft-insert")).to_be_enabled()


def shown_config(page: Page) -> Locator:
    """Return the config's text, once it is that of all that was typed."""
    text = page.locator("#ft-config-text")
    expect(text).to_have_attribute("aria-busy", "false")
    return text


def press(page: Page, button: str, said: str) -> None:
    """Press one of the buttons at the end, and wait until the wizard says what came of it."""
    page.locator(button).click()
    outcome = page.locator("#ft-outcome")
    expect(outcome.locator("strong").first).to_contain_text(re.compile(said))


def insert(page: Page, said: str = r"Inserted \d+ cells into") -> None:
    press(page, "#ft-insert", said)


def ready_config(page: Page, output: str = "") -> None:
    """Fill in all steps, up to the buttons of the last."""
    fill_model(page)
    fill_data(page)
    preview(page)
    fill_training(page, output=output)
    review(page)


def facts(page: Page) -> Locator:
    return page.locator("#ft-model-facts")
