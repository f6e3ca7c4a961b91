"""Files and configs for the tests of the data room."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ft_runtime.config import Config, check_config


@pytest.fixture
def make_config() -> Callable[..., Config]:
    def make(path: Any, format: str, *, seed: int = 42, **dataset: Any) -> Config:
        document = {
            "provider": "hf_local",
            "model_id": "model",
            "tune_type": "lora",
            "seed": seed,
            "dataset": {
                "path": {k: str(v) for k, v in path.items()}
                if isinstance(path, dict)
                else str(path),
                "format": format,
                **dataset,
            },
        }
        config, found = check_config(document)
        assert config is not None, found
        return config

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def put(name: str, content: bytes | str | list[Any]) -> Path:
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content)
        data = content if isinstance(content, bytes) else content.encode("utf-8")
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return put
