"""A server that goes, comes back, or no longer knows the user; a hub and a kernel that are gone."""

from __future__ import annotations

import pytest

from support.browser.lab import new_lab

DRAFT = {
    "provider": "hf_local",
    "model_id": "tiny",
    "dataset": {"path": "data/technical_qa.jsonl", "format": "jsonl_chat"},
}


@pytest.fixture
def lab(tmp_path, tiny_causal_dir):
    """A folder whose server the tests start and stop themselves."""
    (tmp_path / "root").mkdir()
    lab = new_lab(tmp_path / "root", tiny_causal_dir)
    lab.stop_kernels = lambda: None
    return lab
