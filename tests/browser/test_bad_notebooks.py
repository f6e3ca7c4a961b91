"""A notebook that cannot take the cells, or can but not run them: told, with the way out."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from support.browser import notebook, wizard

DRAFT = {
    "provider": "hf_local",
    "model_id": "tiny",
    "seed": 7,
    "dataset": {"path": "data/technical_qa.jsonl", "format": "jsonl_chat"},
}


@pytest.fixture
def at_review(page):
    """The page, which finds a finished config; open an address, and the wizard is at its end."""
    wizard.begin_with(page, DRAFT)
    yield page
    assert wizard.draft(page) == DRAFT


def told(page: Page, *sentences: str) -> None:
    for sentence in sentences:
        expect(page.locator("#ft-outcome")).to_contain_text(sentence)


def test_no_notebook_is_open(lab, at_review) -> None:
    at_review.goto(lab.address())
    wizard.open_panel(at_review)
    wizard.press(at_review, "#ft-insert", "No notebook is open")
    told(at_review, "Open one, or press “New notebook”.")
    wizard.press(at_review, "#ft-new", "Made fine_tune.*ipynb and opened it")
    expect(at_review.locator(".jp-NotebookPanel:visible")).to_be_visible()


def test_a_kernel_of_another_language(lab, at_review) -> None:
    lab.make_kernel("ir", "R")
    wizard.open_wizard(at_review, lab.address(lab.make_notebook("r.ipynb", kernel="ir")))
    wizard.press(at_review, "#ft-insert", "r.ipynb runs R, and the cells are Python")
    told(at_review, "Choose a Python kernel for it, or press “New notebook”.")
    assert notebook.generated(notebook.cells(at_review)) == []


def test_a_busy_kernel(lab, at_review) -> None:
    name = lab.make_notebook("busy.ipynb", "input('go on?')")
    wizard.open_wizard(at_review, lab.address(name))
    notebook.menu(at_review, "Run", "Run All Cells")
    expect(at_review.locator("#jp-main-statusbar")).to_contain_text("| Busy")
    wizard.insert(at_review)
    told(at_review, "Its kernel is busy: the cells can run when it has finished.")


def test_no_kernel(lab, at_review) -> None:
    wizard.open_wizard(at_review, lab.address(lab.make_notebook("stopped.ipynb")))
    notebook.menu(at_review, "Kernel", "Shut Down Kernel")
    expect(at_review.locator("#jp-main-statusbar")).to_contain_text("No Kernel")
    wizard.insert(at_review)
    told(at_review, "It has no kernel: choose one before you run the cells.")


def test_a_read_only_notebook(lab, at_review) -> None:
    name = lab.make_notebook("locked.ipynb")

    def lock(route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "writable": False})

    # To root, as whom tests may run, every file is writable.
    at_review.route(f"**/api/contents/{name}?*", lock)
    wizard.open_wizard(at_review, lab.address(name))
    wizard.press(at_review, "#ft-insert", f"{name} is read-only, so nothing was inserted")
    told(at_review, "Save a copy of it under another name, or press “New notebook”.")
    assert notebook.generated(notebook.cells(at_review)) == []
    assert json.loads((lab.root / name).read_text())["cells"][0]["source"] == []


def test_a_notebook_that_another_tab_has_written(lab, at_review) -> None:
    name = lab.make_notebook("shared.ipynb")
    other = at_review.context.new_page()
    wizard.begin_with(other, DRAFT)
    for tab in (at_review, other):
        wizard.open_wizard(tab, lab.address(name))
    wizard.insert(other)
    with other.expect_response(lambda one: one.request.method == "PUT" and name in one.url):
        notebook.menu(other, "File", "Save Notebook")
    wizard.insert(at_review)
    told(at_review, "Another tab or program has written", "Reload Notebook from Disk")
