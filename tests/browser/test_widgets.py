"""The wizard made of ipywidgets: its cells go into the notebook in the tab that asked, nowhere else."""

from __future__ import annotations

from playwright.sync_api import expect

from support.browser import notebook, widgets

READY = """import jupyter_ft
jupyter_ft.Wizard({
    "provider": "hf_local", "model_id": "tiny",
    "dataset": {"path": "data/technical_qa.jsonl", "format": "jsonl_chat"},
})"""


def sources(page) -> list[str]:
    return [cell["source"] for cell in notebook.cells(page)]


def test_a_form_filled_by_hand_inserts_into_jupyterlab(lab, page) -> None:
    name = lab.make_notebook("magic.ipynb", widgets.MAGIC)
    page.goto(lab.address(name))
    notebook.wait_for_kernel(page)
    form = widgets.show(page)
    widgets.fill(form)
    widgets.insert(form)
    cells = notebook.cells(page)
    assert cells[0]["source"] == widgets.MAGIC
    assert len(notebook.generated(cells)) == len(cells) - 1 > 20
    assert not any(notebook.trusted(page)[1:])


def test_only_the_tab_that_asked_gets_the_cells(lab, page) -> None:
    name = lab.make_notebook("asked.ipynb", READY)
    other = page.context.new_page()
    for tab in (other, page):
        tab.goto(lab.address(name))
        notebook.wait_for_kernel(tab)
    third = page.context.new_page()
    third.goto(lab.address(lab.make_notebook("bystander.ipynb", "1")))
    notebook.wait_for_kernel(third)
    form = widgets.show(page)
    widgets.step(form, "Review")
    widgets.insert(form)
    assert len(notebook.generated(notebook.cells(page))) > 20
    assert sources(other) == [READY]
    assert sources(third) == ["1"]


def test_the_notebook_that_asked_gets_the_cells_whichever_is_in_front(lab, page) -> None:
    page.goto(lab.address(lab.make_notebook("behind.ipynb", READY)))
    notebook.wait_for_kernel(page)
    form = widgets.show(page)
    widgets.step(form, "Review")
    page.evaluate(
        "path => window.jupyterapp.commands.execute('docmanager:open', "
        "{path, options: {mode: 'split-right'}}).then(() => null)",
        lab.make_notebook("front.ipynb", "1"),
    )
    notebook.wait_for_notebook(page, "front.ipynb")
    assert sources(page) == ["1"]
    # A press of the button without the click that would bring its notebook to the front.
    button = form.get_by_role("button", name="Insert into this notebook")
    expect(button).to_be_enabled()
    button.dispatch_event("click")
    page.wait_for_function(
        "() => [...window.jupyterapp.shell.widgets('main')].some("
        "one => one.content.model?.cells.length > 20)"
    )
    assert sources(page) == ["1"]


def test_the_form_inserts_into_notebook_7(lab, page) -> None:
    name = lab.make_notebook("magic7.ipynb", READY)
    notebook.open_notebook7(page, lab.notebook7(name))
    form = widgets.show(page)
    widgets.step(form, "Review")
    widgets.insert(form)
    assert len(notebook.generated(notebook.cells(page))) > 20
