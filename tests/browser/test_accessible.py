"""Every step for everybody: by keyboard alone, and with nothing that axe objects to."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from support.browser import notebook, wizard
from support.browser.accessible import violations

# Of each theme the colours, of one also both shapes.
LOOKS = [
    ("JupyterLab Light", (300, 700)),
    ("JupyterLab Dark", (300,)),
    ("JupyterLab Dark High Contrast", (300,)),
]


@pytest.mark.parametrize(("theme", "widths"), LOOKS)
def test_axe_finds_no_violation_at_any_step(lab, page, theme, widths) -> None:
    def look(step: str) -> None:
        for width in widths:
            wizard.set_width(page, width)
            assert violations(page) == [], f"{step}, {width} pixels wide"

    with lab.themed(theme):
        wizard.open_wizard(page, lab.address(lab.make_notebook("axe.ipynb")))
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
    look("empty")
    wizard.fill_model(page)
    wizard.check_model(page)
    page.locator("#ft-advanced-model").click()
    look("model")
    wizard.fill_data(page)
    wizard.preview(page)
    page.locator("#ft-render").click()
    expect(page.locator("#ft-rendered-text mark").first).to_be_visible()
    look("data")
    wizard.fill_training(page)
    rate = page.locator("#ft-hyperparams-learning_rate")
    rate.fill("-1")
    expect(page.locator("[data-field='hyperparams.learning_rate'] .jp-ft-finding")).to_be_visible()
    look("training with an error")
    page.locator("#ft-step-review").click()
    expect(page.locator(".jp-ft-places .jp-ft-finding")).to_be_visible()
    look("review with an error")
    page.locator("#ft-step-training").click()
    rate.fill("0.0003")
    expect(page.locator("#ft-memory")).to_contain_text("It fits.")
    look("training")
    wizard.review(page)
    wizard.insert(page)
    look("review")


def test_axe_finds_no_violation_in_the_guide(lab, page) -> None:
    page.goto(lab.address())
    notebook.menu(page, "Help", "Fine-tuning: Data Formats")
    expect(page.locator(".jp-ft-guide h2").first).to_be_visible()
    assert violations(page, "#jupyter-ft-help .jp-ft-guide") == []


def tab_to(page, selector: str) -> None:
    """Press Tab until an element has the focus; every stop on the way must be visible."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by Tab")


def choose(page, name: str) -> None:
    """Go down the choice that has the focus; letters typed too slowly would begin another word."""
    shown = "() => document.activeElement.selectedOptions[0].text"
    for _ in range(20):
        if page.evaluate(shown) == name:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{name} is not among the choices")


def test_the_keyboard_alone_leads_from_the_first_step_to_inserted_cells(lab, page) -> None:
    page.goto(lab.address(lab.make_notebook("keys.ipynb")))
    notebook.wait_for_kernel(page)
    page.keyboard.press("Control+Shift+C")
    page.locator("#modal-command-palette input").wait_for()
    page.keyboard.type("fine-tune")
    page.keyboard.press("Enter")
    expect(page.locator("#ft-step-model")).to_be_visible()
    tab_to(page, "#ft-provider")
    choose(page, "hf_local")
    tab_to(page, "#ft-model_id")
    page.keyboard.type("tiny")
    tab_to(page, "#ft-check-model")
    page.keyboard.press("Space")
    expect(wizard.facts(page)).to_contain_text("LlamaForCausalLM")
    tab_to(page, "#ft-next")
    page.keyboard.press("Enter")
    expect(page.locator("#ft-step-title")).to_be_focused()
    tab_to(page, "#ft-dataset-path")
    page.keyboard.type("data/technical_qa.jsonl")
    wizard.preview(page)
    tab_to(page, "#ft-render")
    page.keyboard.press("Enter")
    expect(page.locator("#ft-rendered-text mark").first).to_be_visible()
    tab_to(page, "#ft-next")
    page.keyboard.press("Enter")
    expect(page.locator("#ft-step-title")).to_be_focused()
    tab_to(page, "#ft-preset")
    choose(page, "First look")
    tab_to(page, "#ft-apply-preset")
    page.keyboard.press("Enter")
    tab_to(page, "#ft-advanced-training")
    page.keyboard.press("Enter")
    tab_to(page, "#ft-hyperparams-max_steps")
    page.keyboard.type("2")
    tab_to(page, "#ft-next")
    page.keyboard.press("Enter")
    expect(page.locator("#ft-config-text")).to_contain_text(re.compile(r"max_steps: 2\b"))
    tab_to(page, "#ft-tab-yaml")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#ft-config-text")).to_contain_text(re.compile(r'"max_steps": 2\b'))
    tab_to(page, "#ft-insert")
    page.keyboard.press("Enter")
    expect(page.locator("#ft-outcome strong")).to_contain_text("cells into keys.ipynb")
    assert len(notebook.generated(notebook.cells(page))) > 20
