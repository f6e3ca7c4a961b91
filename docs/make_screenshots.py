"""Makes the pictures of README and docs, by what the browser tests do.

``python docs/make_screenshots.py`` (or ``make screenshots``). It starts JupyterLab and a browser,
goes the way that a user goes, and writes ``docs/images``.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import notebook, widgets, wizard  # noqa: E402
from support.browser.lab import Lab, new_page, running_browser, running_lab  # noqa: E402
from support.tiny import shared_tiny_model  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZE = {"width": 1200, "height": 760}
PANEL = 430


def shoot(page: Page, name: str) -> None:
    """Write a picture of the page, with the pointer over nothing and no blinking cursor."""
    page.mouse.move(SIZE["width"] - 2, SIZE["height"] / 2)
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled", caret="hide")


def to_top(page: Page, selector: str) -> None:
    """Scroll until an element is the first that is in view."""
    page.locator(selector).first.evaluate("one => one.scrollIntoView({block: 'start'})")


def at_rest(page: Page) -> None:
    """Wait for the estimate, and for the first cell to be drawn."""
    page.locator(".jp-ft-mod-busy").wait_for(state="detached")
    page.locator(".jp-RenderedMarkdown h1").first.wait_for()


def steps(lab: Lab, page: Page, ending: str) -> None:
    """Show the four steps, and the notebook after them."""
    wizard.open_wizard(page, lab.address(lab.make_notebook(f"my_notebook{ending}.ipynb")))
    wizard.set_width(page, PANEL)
    wizard.fill_model(page)
    wizard.check_model(page)
    shoot(page, f"wizard-model{ending}")
    wizard.fill_data(page)
    wizard.preview(page)
    page.locator("#ft-render").click()
    page.locator("#ft-rendered-text mark").first.wait_for()
    to_top(page, ".jp-ft-preview")
    shoot(page, f"wizard-data{ending}")
    wizard.fill_training(page, steps=40, output=f"outputs/run{ending}")
    page.locator("#ft-step-training").click()
    page.locator("#ft-memory").wait_for()
    shoot(page, f"wizard-training{ending}")
    wizard.review(page)
    wizard.insert(page)
    at_rest(page)
    shoot(page, f"wizard-review{ending}")


def whole_path(lab: Lab, page: Page) -> None:
    """Show the steps in light, and what the inserted cells give when they are run."""
    steps(lab, page, "")
    failed = notebook.errors(notebook.run_all(page))
    assert not failed, failed
    sources = [cell["source"] for cell in notebook.cells(page)]
    training = next(index for index, source in enumerate(sources) if "ft.train(" in source)
    for _ in range(2):  # cells that have not been drawn yet are taller than JupyterLab guesses
        page.evaluate(f"index => {notebook.CONTENT}.scrollToItem(index, 'start')", training)
        page.get_by_text("Training finished:").wait_for()
    shoot(page, "notebook-run")


def in_the_dark(lab: Lab, page: Page) -> None:
    """Show the steps in the dark theme."""
    steps(lab, page, "-dark")


def in_a_cell(lab: Lab, page: Page) -> None:
    """Show the wizard made of ipywidgets."""
    page.goto(lab.address(lab.make_notebook("any_notebook.ipynb", widgets.MAGIC)))
    notebook.wait_for_kernel(page)
    page.locator("[data-id='filebrowser']").click()
    form = widgets.show(page)
    widgets.fill(form)
    widgets.step(form, "Data")
    page.evaluate(f"() => {notebook.CONTENT}.scrollToItem(0, 'start')")
    shoot(page, "wizard-widgets")


def in_notebook_7(lab: Lab, page: Page) -> None:
    """Show the panel in Notebook 7."""
    notebook.open_notebook7(page, lab.notebook7(lab.make_notebook("notebook7.ipynb")))
    page.locator("[data-jp-item-name='fine-tune']").get_by_role("button").click()
    wizard.ready_config(page)
    wizard.insert(page)
    at_rest(page)
    shoot(page, "wizard-notebook7")


def main() -> None:
    """Make all pictures."""
    IMAGES.mkdir(exist_ok=True)
    tours: list[tuple[str, Callable[[Lab, Page], None]]] = [
        ("JupyterLab Light", whole_path),
        ("JupyterLab Dark", in_the_dark),
        ("JupyterLab Light", in_a_cell),
        ("JupyterLab Light", in_notebook_7),
    ]
    with tempfile.TemporaryDirectory() as folder, running_browser() as browser:
        root = Path(folder) / "work"
        root.mkdir()
        with running_lab(root, shared_tiny_model("causal")) as lab:
            for theme, tour in tours:
                with lab.themed(theme), new_page(browser, viewport=SIZE) as page:
                    tour(lab, page)
                lab.stop_kernels()
    for path in sorted(IMAGES.glob("*.png")):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
