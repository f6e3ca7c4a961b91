"""Fixtures that every tier may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support import examples

examples.settle()

# No test reads what another run has prepared; those of the cache name a folder of their own.
os.environ["FT_CACHE"] = "off"

# Servers of this machine are asked directly, whatever fetches packages goes through.
for _name in ("no_proxy", "NO_PROXY"):
    os.environ[_name] = ",".join(filter(None, [os.environ.get(_name), "127.0.0.1", "localhost"]))

pytest_plugins = ["pytest_jupyter.jupyter_server"]


@pytest.fixture
def jp_asyncio_loop() -> None:
    """Tests of the server alone run in the loop that pytest-jupyter would make for every test."""


@pytest.fixture
def jp_server_cleanup() -> None:
    """Only tests of the server clean up a server: elsewhere it would be made for that, and at home."""


@pytest.fixture(scope="session")
def tiny_causal_dir() -> Path:
    """Folder of the small Llama-shaped causal LM. Read-only: copy it before changing a file."""
    from support.tiny import shared_tiny_model

    return shared_tiny_model("causal")


@pytest.fixture(scope="session")
def tiny_encoder_dir() -> Path:
    """Folder of the small BERT-shaped encoder. Read-only: copy it before changing a file."""
    from support.tiny import shared_tiny_model

    return shared_tiny_model("encoder")
