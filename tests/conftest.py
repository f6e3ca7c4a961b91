"""Fixtures that every tier may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes tells of the machine's load. In CI hypothesis has a profile of its own.
if "CI" not in os.environ:
    settings.register_profile("local", deadline=None)
    settings.load_profile("local")

# No test reads what another run has prepared; those of the cache name a folder of their own.
os.environ["FT_CACHE"] = "off"

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
