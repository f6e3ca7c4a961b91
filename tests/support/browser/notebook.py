"""What a person does in JupyterLab around the wizard, and what the notebook holds then."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect

# The notebook in front, as JupyterLab and Notebook 7 hold it.
CONTENT = "window.jupyterapp.shell.currentWidget.content"
# Every code cell has run, or one has failed and the others will not.
FINISHED = f"""() => {{
  const cells = {CONTENT}.model.sharedModel.toJSON().cells
    .filter(cell => cell.cell_type === 'code' && cell.source.toString().trim() !== '');
  const failed = cells.some(cell => cell.outputs.some(one => one.output_type === 'error'));
  return failed || cells.every(cell => cell.execution_count !== null);
}}"""


def menu(page: Page, *path: str) -> None:
    """Choose an entry of the menu bar: `menu(page, "Run", "Run All Cells")`."""
    page.locator(".lm-MenuBar-item").get_by_text(path[0], exact=True).click()
    for label in path[1:]:
        page.locator(".lm-Menu-item").get_by_text(label, exact=True).click()


def wait_for_kernel(page: Page) -> None:
    """Wait for the kernel of the notebook in front: what is typed before it is idle is lost."""
    page.wait_for_function(
        """() => {
          const { context, sessionContext } = window.jupyterapp?.shell.currentWidget ?? {};
          return context?.isReady && sessionContext.session?.kernel?.status === 'idle';
        }"""
    )


def open_notebook7(page: Page, address: str) -> None:
    """Open a notebook in Notebook 7 and wait for its kernel."""
    page.goto(address)
    wait_for_kernel(page)


def wait_for_notebook(page: Page, name: str) -> None:
    """Wait until a notebook is in front and its file is read: before that it shows one empty cell."""
    page.wait_for_function(
        """name => {
          const context = window.jupyterapp.shell.currentWidget?.context;
          return context?.isReady && context.path.split('/').pop() === name;
        }""",
        arg=name,
    )


def cells(page: Page) -> list[dict[str, Any]]:
    """Return the cells of the notebook in front, as a file would hold them now."""
    return page.evaluate(f"() => {CONTENT}.model.sharedModel.toJSON().cells")


def trusted(page: Page) -> list[bool]:
    """Say of each code cell whether its output may run scripts."""
    code = "[...model.cells].filter(cell => cell.type === 'code')"
    return page.evaluate(
        f"() => {{ const model = {CONTENT}.model; return {code}.map(cell => cell.trusted); }}"
    )


def expect_sources(page: Page, *sources: str) -> None:
    """Wait until the notebook in front has cells of just these texts."""
    read = f"{CONTENT}.model.sharedModel.cells.map(cell => cell.getSource())"
    with contextlib.suppress(TimeoutError):
        page.wait_for_function(
            f"wanted => JSON.stringify({read}) === JSON.stringify(wanted)", arg=list(sources)
        )
    assert [cell["source"] for cell in cells(page)] == list(sources)


def cell_at(page: Page, index: int) -> Locator:
    return page.locator(f".jp-NotebookPanel:visible .jp-Cell[data-windowed-list-index='{index}']")


def select(page: Page, index: int) -> None:
    """Select a cell, as a click on its prompt does: keys are commands then."""
    cell_at(page, index).locator(".jp-InputPrompt").first.click()
    wait_for_active(page, index)
    expect(page.locator(".jp-Notebook:visible")).to_have_class(re.compile("jp-mod-commandMode"))


def edit(page: Page, index: int) -> None:
    """Put the cursor into a cell: what is typed before it is there would be commands."""
    select(page, index)
    page.keyboard.press("Enter")
    expect(cell_at(page, index).locator(".cm-content")).to_be_focused()


def wait_for_active(page: Page, index: int) -> None:
    """Wait until a cell is the active one."""
    page.wait_for_function(f"index => {CONTENT}.activeCellIndex === index", arg=index)


def run_all(page: Page, seconds: float = 480) -> list[dict[str, Any]]:
    """Run the notebook to its end, and return its cells."""
    menu(page, "Run", "Run All Cells")
    page.wait_for_function(FINISHED, timeout=1000 * seconds)
    return cells(page)


def errors(some: list[dict[str, Any]]) -> list[str]:
    """Return what the cells failed with."""
    outputs = [output for cell in some for output in cell.get("outputs", [])]
    return [f"{one['ename']}: {one['evalue']}" for one in outputs if one["output_type"] == "error"]


def generated(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells that the builder made."""
    return [cell for cell in some if "jupyter_ft" in cell["metadata"]]
