"""How quick the sidebar wizard is, in a real JupyterLab and a real browser.

    python benchmarks/wizard.py [--repeats 10] [--json wizard.json]

Times are taken in the page: from the event of the key or click to the first frame that shows the
answer. "first" is the first time in a page that was just opened, the other numbers are of the same
action done again. Needs the built front end and Chromium, as the tests in `tests/browser` do.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.browser import wizard
from support.browser.lab import Lab, new_page, running_browser, running_lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GIGABYTE = 10**9
DRAFT = {
    "provider": "hf_local",
    "model_id": "tiny",
    "dataset": {"path": "data/technical_qa.jsonl", "format": "jsonl_chat"},
}
AIMS = {"keystroke to finding": 100, "click to inserted cells": 100, "preview of 1 GB": 1000}
"""Milliseconds."""

# Waits for an event, then for what it leads to, then for the frame that shows it.
STOPWATCH = """([type, target, ready]) => {
  const isReady = new Function(`return ${ready}`);
  window.stopped = new Promise(done => {
    document.querySelector(target).addEventListener(type, ({ timeStamp }) => {
      const watch = new MutationObserver(() => look());
      const look = () => {
        if (isReady()) {
          watch.disconnect();
          requestAnimationFrame(() => {
            const drawn = new MessageChannel();
            drawn.port1.onmessage = () => done(performance.now() - timeStamp);
            drawn.port2.postMessage(null);
          });
        }
      };
      const everything = { subtree: true, childList: true, characterData: true, attributes: true };
      watch.observe(document.body, everything);
      look();
    }, { once: true, capture: true });
  });
}"""
TAB = '.jp-SideBar [data-id="jupyter-ft-panel"]'
RATE = "#ft-hyperparams-learning_rate"
UNDO = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.undo()"


def stopwatch(page: Page, event: str, target: str, ready: str) -> None:
    """Start the watch with the next `event` at `target`; it stops when `ready` is true."""
    page.evaluate(STOPWATCH, [event, target, ready])


def stopped(page: Page) -> float:
    """Return the milliseconds that the watch shows."""
    return float(page.evaluate("() => window.stopped"))


def panel(page: Page) -> float:
    ready = "document.querySelector('#ft-model_id')?.checkVisibility()"
    stopwatch(page, "click", TAB, ready)
    page.locator(TAB).click()
    return stopped(page)


def keystrokes(page: Page, repeats: int) -> Iterator[float]:
    page.locator("#ft-step-training").click()
    page.locator(RATE).fill("1")
    for letter in range(repeats):
        page.locator(RATE).press("End")
        text = "1" + "x" * (letter + 1)
        ready = f"document.querySelector('{RATE}-findings')?.textContent.includes('\"{text}\"')"
        stopwatch(page, "input", RATE, ready)
        page.keyboard.press("x")
        yield stopped(page)
    page.locator(RATE).fill("")


def insertions(page: Page, repeats: int) -> Iterator[float]:
    ready = (
        "document.querySelector('#ft-outcome strong')?.textContent.startsWith('Inserted')"
        " && document.querySelectorAll('.jp-Notebook .jp-MarkdownCell').length > 0"
    )
    review(page)
    for _ in range(repeats):
        stopwatch(page, "click", "#ft-insert", ready)
        page.locator("#ft-insert").click()
        yield stopped(page)
        page.evaluate(UNDO)
        # Told anew, what was told last is not taken for the answer to the next click.
        page.locator("#ft-step-training").click()
        page.locator("#ft-seed").fill(str(time.monotonic_ns() % 10**6))
        review(page)


def review(page: Page) -> None:
    """Go to the last step, and look at it for as long as making the cells ahead takes."""
    with page.expect_response("**/generate_notebook*"), page.expect_response("**/estimate*"):
        wizard.review(page)


def previews(page: Page, lab: Lab, repeats: int) -> Iterator[float]:
    page.locator("#ft-step-data").click()
    for number in range(repeats):
        name = f"large-{number}.jsonl"
        (lab.root / "large.jsonl").rename(lab.root / name)
        ready = (
            f"document.querySelector('.jp-ft-preview h3')?.textContent === '{name}'"
            " && document.querySelectorAll('#ft-preview-table tbody tr').length === 20"
        )
        stopwatch(page, "input", "#ft-dataset-path", ready)
        page.locator("#ft-dataset-path").fill(name)
        yield stopped(page)
        (lab.root / name).rename(lab.root / "large.jsonl")


def make_gigabyte(path: Path) -> None:
    """Write rows and then a hole: the disk keeps a few megabytes of it."""
    row = json.dumps({"prompt": "question " * 20, "completion": "answer " * 15}) + "\n"
    with path.open("w") as stream:
        stream.write(row * 20_000)
        stream.truncate(GIGABYTE)


def measure(browser: Browser, lab: Lab, pages: int, repeats: int) -> dict[str, list[list[float]]]:
    """Return the milliseconds of each action, a list for each page."""
    found: dict[str, list[list[float]]] = {}
    for number in range(pages):
        with new_page(browser) as page:
            wizard.begin_with(page, DRAFT, "model")
            page.goto(lab.address(lab.make_notebook(f"{number}.ipynb")))
            wizard.wait_for_kernel(page)
            actions: dict[str, Any] = {
                "panel open to usable": [panel(page)],
                "keystroke to finding": keystrokes(page, repeats),
                "click to inserted cells": insertions(page, repeats),
                "preview of 1 GB": previews(page, lab, repeats),
            }
            for name, times in actions.items():
                found.setdefault(name, []).append(list(times))
        lab.stop_kernels()
    return found


def summary(runs: list[list[float]]) -> dict[str, float | int | None]:
    """Return the figures of one action, in milliseconds."""
    again = [value for run in runs for value in run[1:]]
    return {
        "first": round(statistics.median(run[0] for run in runs), 1),
        "median": round(statistics.median(again), 1) if again else None,
        "best": round(min(again), 1) if again else None,
        "p95": round(statistics.quantiles(again, n=20)[-1], 1) if len(again) > 1 else None,
        "n": sum(map(len, runs)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="How quick the sidebar wizard is.")
    parser.add_argument("--pages", type=int, default=5, help="pages that are opened")
    parser.add_argument("--repeats", type=int, default=10, help="how often in each page")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    from ft_runtime.tiny import build_tiny_model

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        root.mkdir()
        make_gigabyte(root / "large.jsonl")
        model = build_tiny_model("causal", Path(folder) / "model")
        with running_lab(root, model) as lab, running_browser() as browser:
            found = measure(browser, lab, options.pages, options.repeats)
            version = browser.version
    figures = {name: summary(runs) for name, runs in found.items()}
    print(f"{'milliseconds':<26}{'first':>8}{'median':>8}{'best':>8}{'p95':>8}{'n':>5}{'aim':>8}")
    for name, one in figures.items():
        row = "".join(f"{one[key] if one[key] is not None else '':>8}" for key in list(one)[:4])
        print(f"{name:<26}{row}{one['n']:>5}{AIMS.get(name, ''):>8}")
    if options.json:
        machine = {"machine": platform.platform(), "chromium": version, "load": os.getloadavg()}
        options.json.write_text(json.dumps({**machine, "milliseconds": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
