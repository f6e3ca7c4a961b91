"""What inserting does to a notebook: one step of undo, nothing trusted, edits kept."""

from __future__ import annotations

from playwright.sync_api import expect

from support.browser import notebook, wizard


def inserted(lab, page, name: str) -> list[dict]:
    """Insert cells into a new notebook, and return them."""
    wizard.open_wizard(page, lab.address(lab.make_notebook(name)))
    wizard.ready_config(page)
    wizard.insert(page)
    cells = notebook.generated(notebook.cells(page))
    assert len(cells) > 20
    return cells


def test_an_update_replaces_untouched_cells_and_keeps_an_edited_one(lab, page) -> None:
    before = inserted(lab, page, "update.ipynb")
    code = [index for index, cell in enumerate(before) if cell["cell_type"] == "code"]
    mine = code[1]  # the one after the values of the config
    notebook.edit(page, mine)
    page.keyboard.press("Control+End")
    page.keyboard.type("\n# mine")
    texts = [cell["source"] for cell in before]
    notebook.expect_sources(page, *texts[:mine], f"{texts[mine]}\n# mine", *texts[mine + 1 :])
    edited = notebook.cells(page)[mine]
    page.locator("#ft-step-training").click()
    page.locator("#ft-hyperparams-learning_rate").fill("0.00031")
    wizard.review(page)
    wizard.insert(page, "Updated update.ipynb: [1-9][0-9]* replaced, 0 added, 0 removed")
    after = notebook.cells(page)
    assert after[mine] == edited
    assert [cell["id"] for cell in after] == [cell["id"] for cell in before]
    changed = [
        a["source"] for a, b in zip(after, before, strict=True) if a["source"] != b["source"]
    ]
    assert sum("0.00031" in source for source in changed) >= 2
    kept = page.locator("#ft-kept li")
    expect(kept).to_have_count(1)
    kept.get_by_role("button").click()
    notebook.wait_for_active(page, mine)


def test_inserting_is_one_step_of_undo(lab, page) -> None:
    texts = [cell["source"] for cell in inserted(lab, page, "undo.ipynb")]
    notebook.select(page, 0)
    page.keyboard.press("z")
    notebook.expect_sources(page, "")
    notebook.menu(page, "Edit", "Redo Cell Operation")
    notebook.expect_sources(page, *texts)
    notebook.menu(page, "Edit", "Undo Cell Operation")
    notebook.expect_sources(page, "")


def test_what_a_user_typed_before_is_not_undone_with_it(lab, page) -> None:
    wizard.open_wizard(page, lab.address(lab.make_notebook("typed.ipynb")))
    wizard.ready_config(page)
    notebook.edit(page, 0)
    page.keyboard.type("mine = 1")
    notebook.expect_sources(page, "mine = 1")
    wizard.insert(page)
    notebook.select(page, 0)
    page.keyboard.press("z")
    notebook.expect_sources(page, "mine = 1")


def test_cells_are_untrusted_until_they_are_run(lab, page) -> None:
    inserted(lab, page, "trust.ipynb")
    assert not any(notebook.trusted(page))
    index = next(i for i, c in enumerate(notebook.cells(page)) if c["cell_type"] == "code")
    notebook.select(page, index)
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        f"index => {notebook.CONTENT}.model.cells.get(index).executionCount !== null", arg=index
    )
    trusted = notebook.trusted(page)
    assert trusted[0]
    assert not any(trusted[1:])
