"""What was typed stays, and each tab has its own."""

from __future__ import annotations

from playwright.sync_api import expect

from support.browser import notebook, wizard


def test_a_reload_keeps_what_was_typed_and_where(lab, page) -> None:
    page.goto(lab.address())
    wizard.open_panel(page)
    wizard.fill_model(page)
    wizard.fill_data(page)
    page.locator("#ft-step-training").click()
    page.locator("#ft-hyperparams-learning_rate").fill("3e-")
    wizard.reload(page)
    expect(page.locator("#ft-step-training")).to_have_attribute("aria-current", "step")
    expect(page.locator("#ft-hyperparams-learning_rate")).to_have_value("3e-")
    page.locator("#ft-step-model").click()
    expect(page.locator("#ft-model_id")).to_have_value("tiny")
    page.locator("#ft-step-data").click()
    expect(page.locator("#ft-dataset-path")).to_have_value("data/technical_qa.jsonl")
    wizard.preview(page)


def test_closing_the_panel_keeps_what_was_typed(lab, page) -> None:
    page.goto(lab.address())
    wizard.open_panel(page)
    wizard.fill_model(page)
    page.locator('.jp-SideBar [data-id="jupyter-ft-panel"]').click()
    expect(page.locator("#ft-model_id")).to_be_hidden()
    wizard.open_panel(page)
    expect(page.locator("#ft-model_id")).to_have_value("tiny")


def test_two_tabs_on_one_notebook_each_have_their_own_draft(lab, page) -> None:
    name = lab.make_notebook("tabs.ipynb")
    other = page.context.new_page()
    for tab in (page, other):
        wizard.open_wizard(tab, lab.address(name))
    page.locator("#ft-model_id").fill("first/model")
    other.locator("#ft-model_id").fill("second/model")
    for tab, model in ((page, "first/model"), (other, "second/model")):
        wizard.reload(tab)
        expect(tab.locator("#ft-model_id")).to_have_value(model)


def test_two_tabs_on_one_notebook_get_cells_only_where_they_were_asked_for(lab, page) -> None:
    name = lab.make_notebook("both.ipynb")
    other = page.context.new_page()
    for tab in (other, page):
        wizard.open_wizard(tab, lab.address(name))
    wizard.ready_config(page)
    wizard.insert(page, "Inserted [0-9]+ cells into both.ipynb")
    assert len(notebook.generated(notebook.cells(page))) > 20
    assert [cell["source"] for cell in notebook.cells(other)] == [""]


def test_rows_that_come_while_a_column_is_typed_take_neither_the_cursor_nor_a_letter(
    lab, page
) -> None:
    dataset = {"path": "late.csv", "format": "csv_classification"}
    wizard.begin_with(page, {"dataset": dataset}, "data")
    wizard.open_wizard(page, lab.address(lab.make_notebook("typed.ipynb")))
    expect(wizard.panel(page).get_by_role("alert")).to_contain_text("late.csv")
    field = page.locator("#ft-dataset-columns-text")
    field.press_sequentially("quest")
    (lab.root / "late.csv").write_text("question,label\nWhy?,a\nHow?,b\n")
    # Each letter has the data looked at again.
    page.keyboard.type("i")
    wizard.preview(page)
    expect(field).to_be_focused()
    page.keyboard.type("on")
    expect(field).to_have_value("question")
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="text", exact=True)).to_have_value("question")
    assert wizard.draft(page)["dataset"]["columns"] == {"text": "question"}
