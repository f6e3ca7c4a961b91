"""Fixtures that every tier may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, in CI or not; `make search` looks for others. How long one
# takes tells of the machine's load.
settings.register_profile("suite", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("suite")

# No test reads what another run has prepared; those of the cache name a folder of their own.
os.environ["FT_CACHE"] = "off"

# Servers of this machine are asked directly, whatever fetches packages goes through.
for _name in ("no_proxy", "NO_PROXY"):
    os.environ[_name] = ",".join(filter(None, [os.environ.get(_name), "127.0.0.1", "localhost"]))

pytest_plugins = ["pytest_jupyter.jupyter_server"]


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
