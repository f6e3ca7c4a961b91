"""Every way into the wizard, beside its tab in the sidebar."""

from __future__ import annotations

import re

import pytest
import yaml
from playwright.sync_api import expect

from support.browser import notebook, wizard

CONFIG = {
    "provider": "hf_local",
    "model_id": "tiny",
    "dataset": {"path": "data/technical_qa.jsonl", "format": "jsonl_chat"},
}


@pytest.fixture
def lab_page(lab, page):
    """JupyterLab as it is opened first: the launcher, and the file browser beside it."""
    page.goto(lab.address())
    expect(page.locator(".jp-Launcher")).to_be_visible()
    return page


def choose(page, file: str, entry: str) -> None:
    """Choose an entry of a file's context menu."""
    page.locator(".jp-DirListing-item").get_by_text(file, exact=True).click(button="right")
    page.locator(".lm-Menu-item").get_by_text(entry, exact=True).click()


def test_a_card_of_the_launcher(lab_page) -> None:
    lab_page.locator(".jp-LauncherCard").get_by_text("Fine-tune", exact=True).click()
    expect(lab_page.locator("#ft-step-model")).to_be_visible()


def test_the_command_palette(lab_page) -> None:
    lab_page.keyboard.press("Control+Shift+C")
    lab_page.locator("#modal-command-palette input").fill("fine-tune")
    entry = lab_page.locator("#modal-command-palette .lm-CommandPalette-item")
    entry.get_by_text("Fine-tune", exact=True).click()
    expect(lab_page.locator("#ft-step-model")).to_be_visible()


def test_a_button_of_the_notebook(lab, page) -> None:
    page.goto(lab.address(lab.make_notebook("toolbar.ipynb")))
    notebook.wait_for_kernel(page)
    page.locator("[data-jp-item-name='fine-tune']").get_by_role("button").click()
    expect(page.locator("#ft-step-model")).to_be_visible()


def test_a_data_file_of_the_file_browser(lab_page) -> None:
    lab_page.locator(".jp-DirListing-item").get_by_text("data", exact=True).dblclick()
    choose(lab_page, "classification.csv", "Fine-tune on This Dataset")
    expect(lab_page.locator("#ft-dataset-path")).to_have_value("data/classification.csv")
    expect(lab_page.locator("#ft-dataset-format")).to_have_value('"csv_classification"')
    wizard.preview(lab_page)


def test_a_config_of_the_file_browser(lab, page) -> None:
    (lab.root / "mine.yaml").write_text(yaml.safe_dump(CONFIG))
    page.goto(lab.address())
    choose(page, "mine.yaml", "Generate Notebook")
    outcome = page.locator("#ft-outcome strong")
    expect(outcome).to_have_text(re.compile(r"Made fine_tune(-\d+)?\.ipynb and opened it\."))
    made = re.search(r"fine_tune\S*\.ipynb", outcome.inner_text())[0]
    notebook.wait_for_notebook(page, made)
    assert "tiny" in notebook.generated(notebook.cells(page))[0]["source"]


def test_files_that_are_neither_offer_nothing(lab, lab_page) -> None:
    item = lab_page.locator(".jp-DirListing-item").get_by_text("tiny", exact=True)
    item.click(button="right")
    expect(lab_page.locator(".lm-Menu-item").get_by_text("Rename", exact=True)).to_be_visible()
    for entry in ("Fine-tune on This Dataset", "Generate Notebook"):
        expect(lab_page.locator(".lm-Menu-item").get_by_text(entry, exact=True)).to_have_count(0)


def test_the_help_menu_has_a_guide_to_the_formats(lab_page) -> None:
    notebook.menu(lab_page, "Help", "Fine-tuning: Data Formats")
    guide = lab_page.locator(".jp-ft-guide")
    for name in ("jsonl_chat", "jsonl_instr", "jsonl_prompt", "csv_classification"):
        expect(guide.get_by_role("heading", name=name)).to_be_visible()


def test_an_upload(lab, lab_page, tmp_path) -> None:
    rows = tmp_path / "brought.jsonl"
    rows.write_text('{"prompt": "Why?", "completion": "Because."}\n' * 3)
    wizard.open_panel(lab_page)
    lab_page.locator("#ft-step-data").click()
    lab_page.locator("#ft-upload-input").set_input_files(rows)
    expect(lab_page.locator("#ft-dataset-path")).to_have_value("brought.jsonl")
    expect(wizard.preview(lab_page)).to_contain_text("Because.")
    assert (lab.root / "brought.jsonl").read_bytes() == rows.read_bytes()


def test_a_file_picked_in_the_dialog(lab_page) -> None:
    wizard.open_panel(lab_page)
    lab_page.locator("#ft-step-data").click()
    lab_page.locator("#ft-browse").click()
    dialog = lab_page.locator(".jp-Dialog")
    dialog.locator(".jp-DirListing-item").get_by_text("data", exact=True).dblclick()
    dialog.locator(".jp-DirListing-item").get_by_text("classification.csv", exact=True).click()
    dialog.get_by_role("button", name="Select").click()
    expect(lab_page.locator("#ft-dataset-path")).to_have_value("data/classification.csv")


def test_an_example(lab_page) -> None:
    wizard.open_panel(lab_page)
    lab_page.locator("#ft-step-data").click()
    lab_page.locator("#ft-example").select_option("technical_qa.jsonl")
    expect(lab_page.locator("#ft-dataset-path")).to_have_value(re.compile(r"technical_qa.*\.jsonl"))
    wizard.preview(lab_page)


def test_defaults_of_the_settings(lab, page) -> None:
    with lab.setting("jupyter-ft", "panel", {"model_id": "some/model", "tune_type": "full"}):
        page.goto(lab.address())
        wizard.open_panel(page)
        expect(page.locator("#ft-model_id")).to_have_value("some/model")
        expect(page.locator("#ft-tune_type")).to_have_value('"full"')
        notebook.menu(page, "Settings", "Settings Editor")
        editor = page.locator("#setting-editor")
        editor.locator(".jp-PluginList-entry").get_by_text("Fine-tuning", exact=True).click()
        expect(editor.locator("input[id$='panel_model_id']")).to_have_value("some/model")
