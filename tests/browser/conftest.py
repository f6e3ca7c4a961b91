"""One server and one browser for all browser tests; a fresh page and notebook for each."""

from __future__ import annotations

import pytest

from support.browser.lab import new_page, running_browser, running_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory, tiny_causal_dir):
    root = tmp_path_factory.mktemp("lab") / "root"
    root.mkdir()
    with running_lab(root, tiny_causal_dir) as lab:
        yield lab


@pytest.fixture(scope="session")
def browser():
    with running_browser() as browser:
        yield browser


@pytest.fixture
def page(browser, lab):
    """A page of a browser that has seen nothing before; an exception in our code fails the test."""
    thrown: list[str] = []
    with new_page(browser) as page:
        page.on("pageerror", lambda error: thrown.append(f"{error}\n{error.stack}"))
        yield page
    lab.stop_kernels()
    assert not [error for error in thrown if "labextensions/jupyter-ft" in error]
