"""What a person does in the wizard that `%ft_generate` shows in a cell."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from support.browser.notebook import menu

MAGIC = "%load_ext jupyter_ft\n%ft_generate"


def show(page: Page) -> Locator:
    """Run the notebook's cells, and return the wizard that one of them shows."""
    menu(page, "Run", "Run All Cells")
    form = page.locator(".widget-tab")
    expect(form).to_be_visible()
    return form


def step(form: Locator, title: str) -> None:
    form.locator(".lm-TabBar-tab").get_by_text(title).click()


def fill(form: Locator) -> None:
    """Fill in model and data, up to the last step."""
    form.get_by_label("Provider").select_option(label="hf_local")
    type_into(form, "Base model", "tiny")
    step(form, "Data")
    type_into(form, "File", "data/technical_qa.jsonl")
    form.get_by_role("button", name="Look at the data").click()
    expect(form.locator("table")).to_be_visible()
    step(form, "Review")


def type_into(form: Locator, label: str, text: str) -> None:
    """Type into a field and leave it: the kernel hears of it then."""
    field = form.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")


def insert(form: Locator) -> None:
    """Press the button, and wait for what the wizard says then."""
    button = form.get_by_role("button", name="Insert into this notebook")
    expect(button).to_be_enabled()
    button.click()
    expect(form.get_by_text("inserted")).to_be_visible()
