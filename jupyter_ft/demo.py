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
    from ft_runtime.tiny import build_tiny_model

    source = data or _copy_example(folder / "data")
    format, columns = detect_format(source)
    if format is None:
        raise FindingsError([finding("build.demo_format", str(source))])
    kind = "encoder" if format == "csv_classification" else "causal"
    build_tiny_model(kind, folder / MODEL, texts=None)  # type: ignore[arg-type]
    document = _document(format, tune_type)
    document["dataset"] |= {
        "path": Path(os.path.relpath(source, folder)).as_posix(),
        "format": format,
        "columns": columns,
    }
    return load_config(document)


def _copy_example(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(find_folder("examples") / "datasets" / EXAMPLE, folder))


def _document(format: str, tune_type: str) -> dict[str, Any]:
    """Return settings under which a model of this size learns in a minute or two on two cores."""
    classification = format == "csv_classification"
    hyperparams = {
        "learning_rate": 1e-2 if tune_type != "full" else 2e-3,
        "num_epochs": 40,
        "max_steps": 400,
        "batch_size_train": 16,
        "batch_size_eval": 32,
        "max_seq_len": 512,
        "warmup_ratio": 0.05,
    }
    document: dict[str, Any] = {
        "provider": "hf_local",
        "model_id": MODEL,
        "tune_type": tune_type,
        "dataset": {},
        "hyperparams": hyperparams,
        "hw": {"device": "auto"},
        "eval": {"max_rows": 60, "max_new_tokens": 64},
        "artifacts": {"output_dir": "run"},
    }
    if tune_type != "full":
        document["lora"] = {"r": 16, "alpha": 32, "dropout": 0.0}
    if not classification:
        document["eval"]["metrics"] = ["perplexity", "rouge", "exact_match"]
    return document
