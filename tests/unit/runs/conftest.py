from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ft_runtime.config import apply_overrides, load_config
from ft_runtime.runs import checkpoints, start


@pytest.fixture(autouse=True)
def _close_runs() -> Iterator[None]:
    """Each test stands for a process of its own: no run stays open."""
    yield
    for run in list(start._open.values()):
        run.close()
    start._open.clear()


@pytest.fixture
def new_process() -> Callable[[], None]:
    """Forget the open runs, as the death of their process does."""

    def forget() -> None:
        for run in start._open.values():
            run.close()
        start._open.clear()

    return forget


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[..., Any]:
    """A config whose run folder is under tmp_path; overrides as ``a.b=c``."""

    def make(*overrides: str) -> Any:
        document = {
            "model_id": "somewhere/model",
            "dataset": {"path": "data.jsonl", "format": "jsonl_prompt"},
            "artifacts": {"output_dir": str(tmp_path / "run")},
        }
        return load_config(apply_overrides(document, overrides))

    return make


@pytest.fixture
def make_checkpoint() -> Callable[..., Path]:
    """A folder with the files of a checkpoint, sealed unless told otherwise."""

    def make(root: Path, step: int, sealed: bool = True) -> Path:
        path = root / f"checkpoint-{step}"
        path.mkdir(parents=True)
        for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "adapter_model.safetensors"):
            (path / name).write_bytes(f"{name} of step {step}".encode() * 50)
        state = {"global_step": step, "max_steps": 40}
        (path / "trainer_state.json").write_text(json.dumps(state))
        if sealed:
            checkpoints.seal(path, step)
        return path

    return make
