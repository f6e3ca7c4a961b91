"""A folder with a config, its data and its model, as a user has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from ft_runtime.files import sha256_file
from ft_runtime.samples import write_sample
from support import stop_driver


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
