"""The same extension in Notebook 7."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from support.browser import notebook, wizard
from support.browser.lab import EXAMPLES


@pytest.fixture
def page7(lab, page, request):
    """A new notebook, open in Notebook 7."""
    name = lab.make_notebook(f"{request.node.name}.ipynb")
    notebook.open_notebook7(page, lab.notebook7(name))
    return page


def test_the_button_opens_the_panel_and_the_cells_go_into_the_notebook(page7) -> None:
    page7.locator("[data-jp-item-name='fine-tune']").get_by_role("button").click()
    wizard.ready_config(page7)
    wizard.insert(page7)
    assert len(notebook.generated(notebook.cells(page7))) > 20
    assert not any(notebook.trusted(page7))
    notebook.select(page7, 0)
    page7.keyboard.press("z")
    notebook.expect_sources(page7, "")


def test_an_uploaded_file_lies_beside_the_notebook(lab, page7, tmp_path) -> None:
    """The page has no file browser that could take it."""
    sent = tmp_path / "sent.csv"
    sent.write_bytes((EXAMPLES / "classification.csv").read_bytes())
    page7.locator("[data-jp-item-name='fine-tune']").get_by_role("button").click()
    page7.locator("#ft-step-data").click()
    page7.locator("#ft-upload-input").set_input_files(sent)
    wizard.preview(page7)
    assert wizard.draft(page7)["dataset"]["path"] == "sent.csv"
    assert (lab.root / "sent.csv").read_bytes() == sent.read_bytes()


def test_nothing_of_the_panel_is_cut_off_in_a_small_window(page7) -> None:
    page7.set_viewport_size({"width": 1000, "height": 700})
    page7.locator("[data-jp-item-name='fine-tune']").get_by_role("button").click()
    button = page7.locator("#ft-next")
    expect(button).to_be_visible()
    page7.wait_for_function(
        """() => {
          const [button, notebook] = ['#ft-next', '.jp-NotebookPanel'].map(
            one => document.querySelector(one).getBoundingClientRect());
          return button.width > 0 && button.right < notebook.left;
        }"""
    )


def test_the_view_menu_opens_the_panel(page7) -> None:
    notebook.menu(page7, "View", "Left Sidebar", "Show Fine-tune")
    expect(page7.locator("#ft-step-model")).to_be_visible()


def test_a_new_notebook_opens_beside_this_one(page7) -> None:
    page7.locator("[data-jp-item-name='fine-tune']").get_by_role("button").click()
    wizard.ready_config(page7)
    with page7.context.expect_page() as opened:
        wizard.press(page7, "#ft-new", r"Made fine_tune(-\d+)?\.ipynb and opened it\.")
    expect(opened.value.locator(".jp-Cell").first).to_be_visible()
    assert "/notebooks/fine_tune" in opened.value.url
