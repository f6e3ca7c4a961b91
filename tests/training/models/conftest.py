"""Fixtures of the model tests: models that are changed, and what was told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ft_runtime.findings import Finding, subscribed


@pytest.fixture
def told() -> Iterator[list[Finding]]:
    """Everything that is notified while a test runs."""
    found: list[Finding] = []
    with subscribed(found.append):
        yield found


@pytest.fixture
def causal_copy(tiny_causal_dir: Path, tmp_path: Path) -> Path:
    """A copy of the small causal model that a test may damage."""
    return Path(shutil.copytree(tiny_causal_dir, tmp_path / "causal"))


@pytest.fixture
def encoder_copy(tiny_encoder_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_encoder_dir, tmp_path / "encoder"))


@pytest.fixture
def edit_json() -> Callable[..., None]:
    """Change fields of a JSON file; None removes a field."""

    def edit(path: Path, **fields: Any) -> None:
        document = json.loads(path.read_text())
        for name, value in fields.items():
            if value is None:
                document.pop(name, None)
            else:
                document[name] = value
        path.write_text(json.dumps(document))

    return edit
