"""The demo: a small model made on the spot, data, and a config that makes the most of both."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ft_runtime.config import Config, load_config
from ft_runtime.data import detect_format
from ft_runtime.findings import FindingsError, finding
from jupyter_ft.builder.templates import find_folder

EXAMPLE = "text_to_sql.jsonl"
MODEL = "model"
_BATCH = 16
_TOKENS = 800_000
_BYTES_PER_TOKEN = 2
_STEPS = (100, 1500)
_LOST = 0.5


def prepare_demo(folder: Path, data: Path | None = None, tune_type: str = "lora") -> Config:
    """Put a model and data into a folder and return the config of the demo.

    Parameters
    ----------
    folder : Path
        Gets ``model/`` and, for the example, ``data/``.
    data : Path, optional
        A file of the user's own; it stays where it is. Default: the text-to-SQL example.
    tune_type : {"full", "lora", "qlora"}

    Returns
    -------
    Config
        With paths as seen from `folder`.

    Raises
    ------
    FindingsError
        When the data cannot be read, or ``build.demo_format`` when their format is not recognised.
    """
    from transformers.utils import logging

    from ft_runtime.tiny import build_tiny_model

    source = data or _copy_example(folder / "data")
    format, columns = detect_format(source)
    if format is None:
        raise FindingsError([finding("build.demo_format", str(source))])
    kind = "encoder" if format == "csv_classification" else "causal"
    logging.disable_progress_bar()
    build_tiny_model(kind, folder / MODEL)  # type: ignore[arg-type]
    document = _document(format, tune_type, _affordable_steps(source))
    document["dataset"] = {
        "split": {"train": 0.8, "val": 0.2},
        "path": Path(os.path.relpath(source, folder)).as_posix(),
        "format": format,
        "columns": columns,
    }
    if data is not None:
        # The demo has no option for the length: some long rows must not end it.
        document["dataset"]["max_lost_fraction"] = _LOST
    return load_config(document)


def _copy_example(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(find_folder("examples") / "datasets" / EXAMPLE, folder))


def _affordable_steps(path: Path) -> int:
    """Return how many steps take a minute or two on two cores, by the length of the rows."""
    lines = max(1, path.read_bytes().count(b"\n"))
    tokens = max(1, path.stat().st_size // lines // _BYTES_PER_TOKEN)
    return max(_STEPS[0], min(_STEPS[1], _TOKENS // (_BATCH * tokens)))


def _document(format: str, tune_type: str, steps: int) -> dict[str, Any]:
    """Return settings under which a model of this size learns in a minute or two on two cores."""
    classification = format == "csv_classification"
    rates = {"lora": 1e-2, "qlora": 1e-2, "full": 2e-3}
    hyperparams = {
        "learning_rate": 1e-3 if classification else rates[tune_type],
        "num_epochs": 80,
        "max_steps": steps,
        "batch_size_train": _BATCH,
        "batch_size_eval": 32,
        "max_seq_len": 512,
        "warmup_ratio": 0.05,
    }
    document: dict[str, Any] = {
        "provider": "hf_local",
        "model_id": MODEL,
        "tune_type": tune_type,
        "hyperparams": hyperparams,
        "hw": {"device": "auto"},
        "eval": {"max_rows": 60, "max_new_tokens": 64},
        "artifacts": {"output_dir": "run", "save_strategy": "steps", "save_steps": 200},
    }
    if tune_type != "full":
        document["lora"] = {"r": 16, "alpha": 32, "dropout": 0.0}
    if not classification:
        document["eval"]["metrics"] = ["perplexity", "rouge", "exact_match"]
    return document
