"""What a person does in the wizard."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect


def open_wizard(page: Page, address: str) -> None:
    """Open a notebook, wait for its kernel, then open the sidebar."""
    page.goto(address)
    # Before the kernel is idle, what is typed into the notebook is lost.
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=60_000)
    page.locator('.jp-SideBar [data-id="jupyter-ft-panel"]').click()
    expect(page.locator("#ft-step-model")).to_be_visible()


def fill_model(page: Page) -> None:
    page.locator("#ft-step-model").click()
    page.locator("#ft-provider").select_option(label="hf_local")
    page.locator("#ft-model_id").fill("tiny")


def fill_data(page: Page, path: str = "data/technical_qa.jsonl") -> None:
    page.locator("#ft-step-data").click()
    page.locator("#ft-dataset-path").fill(path)


def fill_training(page: Page, steps: int = 2) -> None:
    """Take the preset for a first look, made shorter still."""
    page.locator("#ft-step-training").click()
    page.locator("#ft-preset").select_option("first_look")
    page.locator("#ft-apply-preset").click()
    page.locator("#ft-advanced-training").click()
    page.locator("#ft-hyperparams-max_steps").fill(str(steps))
    page.locator("#ft-eval-max_rows").fill("2")
    page.locator("#ft-eval-max_new_tokens").fill("4")


def review(page: Page) -> None:
    """Go to the last step and wait until the server has nothing against the config."""
    page.locator("#ft-step-review").click()
    expect(page.locator("#ft-config-text")).to_contain_text("model_id", timeout=15_000)
    expect(page.locator("#ft-insert")).to_be_enabled()


def insert(page: Page, said: str) -> None:
    page.locator("#ft-insert").click()
    expect(page.locator("#ft-outcome")).to_contain_text(re.compile(said), timeout=15_000)


def ready_config(page: Page) -> None:
    fill_model(page)
    fill_data(page)
    expect(page.locator("#ft-preview-table")).to_be_visible()
    fill_training(page)
    review(page)


def facts(page: Page) -> Any:
    return page.locator("#ft-model-facts")
