from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from ft_runtime.files import sha256_file
from ft_runtime.runs import start
from ft_runtime.samples import write_sample
from support import stop_driver

STEPS = 20


@pytest.fixture(autouse=True)
def _own_process() -> Iterator[None]:
    """Each test stands for a process of its own: one thread, no run left open."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    for run in list(start._open.values()):
        run.close()
    start._open.clear()


class Place:
    """A folder with a config, its data and its model, as a user has them.

    20 optimizer steps in 2 epochs, a checkpoint every 5, dropout on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.run = folder / "run"
        self.data = folder / "data.jsonl"
        self.model = folder / "model"

    @classmethod
    def make(cls, folder: Path, model: Path) -> Place:
        place = cls(folder)
        shutil.copytree(model, place.model)
        write_sample("jsonl_prompt", place.data, n=50)
        place.change(
            provider="hf_local",
            model_id="model",
            tune_type="lora",
            lora={"r": 4, "alpha": 8, "dropout": 0.1},
            dataset={
                "path": "data.jsonl",
                "format": "jsonl_prompt",
                "split": {"train": 0.8, "val": 0.1, "test": 0.1},
            },
            hyperparams={"num_epochs": 2, "batch_size_train": 4, "learning_rate": 1e-3},
            eval={"metrics": ["perplexity"]},
            logs="none",
            hw={"device": "cpu"},
            artifacts={"output_dir": "run", "save_strategy": "steps", "save_steps": 5},
        )
        return place

    def copy(self, folder: Path) -> Place:
        shutil.copytree(self.folder, folder)
        return Place(folder)

    def change(self, **fields: Any) -> None:
        document = yaml.safe_load(self.config.read_text()) if self.config.exists() else {}
        for name, value in fields.items():
            old = document.get(name)
            document[name] = {**old, **value} if isinstance(old, dict) else value
        self.config.write_text(yaml.safe_dump(document))

    def drive(
        self, how: str, step: int, code: int, *options: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command in a process that is stopped at a step."""
        command = [
            sys.executable, stop_driver.__file__, how, str(step), "--", "run", "config.yaml", *options,
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done

    def weights(self) -> str:
        return sha256_file(self.run / "adapter" / "adapter_model.safetensors")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_causal_dir: Path) -> Place:
    """Where nothing has run yet. Copy it."""
    return Place.make(tmp_path_factory.mktemp("place") / "place", tiny_causal_dir)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Call the command line in this process, in a place."""
    from ft_runtime.cli import main

    def call(place: Place, *arguments: str) -> int:
        monkeypatch.chdir(place.folder)
        for run in list(start._open.values()):
            run.close()
        start._open.clear()
        return main(arguments)

    return call
