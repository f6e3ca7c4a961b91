"""Notebooks on the small models, run in this environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ft_runtime.samples import write_sample
from support.configs import make_config

MakeConfig = Callable[..., dict[str, Any]]


@pytest.fixture
def make_tiny(tmp_path: Path, request: pytest.FixtureRequest) -> MakeConfig:
    """Write a sample of a format into the test's folder; return a config that is over in seconds."""

    def make(tune_type: str, format: str, **more: Any) -> dict[str, Any]:
        classification = format == "csv_classification"
        data = "rows.csv" if classification else "rows.jsonl"
        write_sample(format, tmp_path / data)
        kind = "encoder" if classification else "causal"
        config = make_config(
            tune_type,
            format,
            provider="hf_local",
            model_id=str(request.getfixturevalue(f"tiny_{kind}_dir")),
            hyperparams={
                "num_epochs": 2,
                "learning_rate": 2e-4 if tune_type == "full" else 5e-3,
                "max_seq_len": 256,
            },
            dataset={"path": data, "split": {"train": 0.8, "val": 0.2}},
            eval={"max_rows": 4, "max_new_tokens": 12, "bootstrap_samples": 100},
            hw={"device": "cpu"},
            artifacts={"output_dir": "run", "save_strategy": "steps", "save_steps": 4},
        )
        for name, value in more.items():
            config.setdefault(name, {}).update(value)
        return config

    return make
