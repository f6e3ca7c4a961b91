"""What outlives a reload."""

from __future__ import annotations

from playwright.sync_api import expect

from support.browser import wizard


def test_a_reload_keeps_what_was_typed(lab, page) -> None:
    name = lab.make_notebook("reload.ipynb")
    wizard.open_wizard(page, lab.address(name))
    wizard.fill_model(page)
    page.reload()
    expect(page.locator("#ft-model_id")).to_have_value("tiny", timeout=60_000)
