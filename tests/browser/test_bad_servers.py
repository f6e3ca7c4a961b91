"""A server that goes, comes back, or no longer knows the user; a hub and a kernel that are gone."""

from __future__ import annotations

import dataclasses
import secrets
import socket

import pytest
from playwright.sync_api import Page, expect

from support.browser import notebook, wizard
from support.browser.lab import new_lab, new_page, serving

DRAFT = {
    "provider": "hf_local",
    "model_id": "tiny",
    "dataset": {"path": "data/technical_qa.jsonl", "format": "jsonl_chat"},
}


@pytest.fixture
def served(tmp_path, tiny_causal_dir):
    """A folder whose server the test starts and stops itself."""
    (tmp_path / "root").mkdir()
    return new_lab(tmp_path / "root", tiny_causal_dir)


@pytest.fixture
def page(browser):
    """A page whose server goes and comes; an exception in our code fails the test."""
    thrown: list[str] = []
    with new_page(browser) as page:
        page.on("pageerror", lambda error: thrown.append(f"{error}\n{error.stack}"))
        wizard.begin_with(page, DRAFT, "training")
        yield page
    assert not [error for error in thrown if "labextensions/jupyter-ft" in error]


def type_rate(page: Page, text: str) -> None:
    page.locator("#ft-hyperparams-learning_rate").fill(text)


def problem(page: Page, *sentences: str) -> None:
    """Wait for the wizard to tell of a problem."""
    told = wizard.panel(page).locator(".jp-ft-problem").first
    for sentence in sentences:
        expect(told).to_contain_text(sentence)


def clear_the_way(page: Page) -> None:
    """Dismiss what JupyterLab itself says of a server that is gone."""
    dialog = page.locator(".jp-Dialog")

    def dismiss() -> None:
        dialog.locator(".jp-mod-reject, .jp-mod-accept").first.click()

    page.add_locator_handler(dialog, dismiss)


def test_a_server_that_is_restarted_under_the_panel(served, page) -> None:
    clear_the_way(page)
    with serving(served):
        wizard.open_wizard(page, served.address(served.make_notebook("gone.ipynb")))
        type_rate(page, "1e-5")
    type_rate(page, "0.0003")
    problem(page, "The Jupyter server does not answer.", "What you typed is kept.", "“Try again”")
    with serving(served):
        page.locator("#ft-retry").click()
        expect(wizard.panel(page).locator(".jp-ft-problem")).to_have_count(0)
        expect(page.locator("#ft-hyperparams-learning_rate")).to_have_value("0.0003")
        wizard.review(page)
        expect(page.locator("#ft-config-text")).to_contain_text("learning_rate: 0.0003")
        wizard.insert(page)


def test_a_login_that_has_expired(served, page) -> None:
    clear_the_way(page)
    with serving(served):
        wizard.open_wizard(page, served.address(served.make_notebook("login.ipynb")))
    again = dataclasses.replace(served, token=secrets.token_hex(16))
    page.context.clear_cookies()
    with serving(again):
        type_rate(page, "0.0003")
        problem(page, "The server no longer accepts your login.", "Reload this page and log in")
        page.goto(again.address("login.ipynb"))
        wizard.open_panel(page)
        expect(page.locator("#ft-hyperparams-learning_rate")).to_have_value("0.0003")
        wizard.review(page)


def test_a_hub_that_is_offline(served, page) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        hub = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with serving(served, HF_ENDPOINT=hub, HF_HUB_OFFLINE="0"):
            page.goto(served.address())
            wizard.open_panel(page)
            page.locator("#ft-step-model").click()
            page.locator("#ft-provider").select_option(label="hf_hub")
            page.locator("#ft-model_id").fill("owner/model")
            page.locator("#ft-check-model").click()
            expect(wizard.facts(page)).to_contain_text("The hub cannot be reached")
            # A machine without network can still make the notebook.
            wizard.review(page)
            assert wizard.draft(page)["model_id"] == "owner/model"


def test_a_kernel_that_dies(served, page) -> None:
    clear_the_way(page)
    patience = ["--KernelRestarter.restart_limit=0", "--KernelRestarter.time_to_dead=0.2"]
    with serving(served, *patience):
        name = served.make_notebook("dies.ipynb", "import os; os._exit(1)")
        wizard.open_wizard(page, served.address(name))
        notebook.menu(page, "Run", "Run All Cells")
        expect(page.locator("#jp-main-statusbar")).to_contain_text("| Disconnected")
        wizard.review(page)
        wizard.insert(page)
        expect(page.locator("#ft-outcome")).to_contain_text("Its kernel is dead: restart it")
