"""What a smoke test trains: a small model, made-up rows, and a config for both."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import text
from ft_runtime.smoke.shrink import POSITIONS, count_parameters, make_toy

if TYPE_CHECKING:
    from ft_runtime.config import Config

SMALL = 5_000_000
"""A model with fewer parameters is trained itself; of a larger one, a toy."""
BATCH = 2
RATES = {
    "causal_lm": {"full": 2e-3, "lora": 1e-2, "qlora": 1e-2},
    "classification": {"full": 5e-4, "lora": 1e-3, "qlora": 1e-3},
}
"""Learning rates that move a toy within a few steps, and do not throw a classifier about."""
SCALES = {"sgd": 100}
"""Optimizers whose step shrinks with the gradient, as Adam's does not, need larger rates."""


@dataclass(frozen=True)
class Trial:
    """A small training.

    Attributes
    ----------
    config : Config
        The user's, with another model, data set, output folder and length.
    model : str
        What is trained, for people.
    """

    config: Config
    model: str


def make_trial(config: Config | None, folder: Path, rows: int, seed: int) -> Trial:
    """Put a small model and `rows` made-up rows into `folder`."""
    from ft_runtime.config import load_config
    from ft_runtime.samples import write_sample

    given = config or _builtin(folder)
    model, label = _model(given, folder)
    form = given.dataset.format
    name = "rows.csv" if form == "csv_classification" else "rows.jsonl"
    data = write_sample(form, folder / name, rows, seed)
    document = {
        **given.to_dict(),
        **model,
        "dataset": {"source": "upload_local_path", "path": str(data), "format": form},
        "logs": "none",
        "artifacts": {"output_dir": str(folder / "run"), "save_strategy": "no"},
    }
    document["hyperparams"] = {
        **document["hyperparams"],
        "num_epochs": 1,
        "max_steps": None,
        "batch_size_train": BATCH,
        "gradient_accumulation": 1,
        "learning_rate": _rate(given),
        "warmup_ratio": 0.0,
        "max_seq_len": POSITIONS,
        # It would compile layers that the user's model does not have, for longer than the rest.
        "torch_compile": False,
    }
    return Trial(load_config(document), label)


def _model(config: Config, folder: Path) -> tuple[dict[str, Any], str]:
    """Return the config fields of the small model, and what it is."""
    import torch
    import transformers

    from ft_runtime.compat import quiet_libraries
    from ft_runtime.models import find_model, load_tokenizer
    from ft_runtime.models.architecture import auto_class, check_task, read_model_config

    source = find_model(config)
    described = read_model_config(source)
    check_task(described, config.task, source.name)
    auto: Any = getattr(transformers, auto_class(config.task))
    trusted = source.trust_remote_code
    kind = ", ".join(described.architectures or [described.config.model_type])
    with quiet_libraries():
        size = count_parameters(described.config, auto, trusted)
    if size < SMALL:
        # The commit that was found, so that nothing else is fetched in its place.
        return {"revision": source.revision}, text("smoke.itself", kind=kind, size=f"{size:,}")
    tokenizer = load_tokenizer(config)
    with quiet_libraries(), torch.random.fork_rng():
        torch.manual_seed(config.seed)
        toy = make_toy(described.config, auto, described.vocabulary or len(tokenizer), trusted)
        base = folder / "base"
        toy.model.save_pretrained(base)
    tokenizer.save_pretrained(base)
    if trusted and Path(source.name).is_dir():
        for code in Path(source.name).glob("*.py"):
            shutil.copy(code, base / code.name)
    key = "smoke.stand_in" if toy.stands_in else "smoke.toy"
    small = f"{toy.model.num_parameters():,}"
    label = text(key, kind=kind, small=small, like=type(toy.model).__name__)
    return {"provider": "hf_local", "model_id": str(base), "revision": None}, label


def _builtin(folder: Path) -> Config:
    """Return a config for a model of our own, for a smoke test without one."""
    from ft_runtime.config import load_config
    from ft_runtime.tiny import build_tiny_model

    model = build_tiny_model("causal", folder / "builtin", texts=(), steps=0)
    data = {"source": "upload_local_path", "path": "rows.jsonl", "format": "jsonl_chat"}
    document = {"provider": "hf_local", "model_id": str(model), "tune_type": "lora"}
    return load_config({**document, "dataset": data})


def _rate(config: Config) -> float:
    """Return the learning rate: smaller where the adapter's output is scaled up.

    LoRA multiplies by alpha / r, rsLoRA by alpha / sqrt(r); 2 is the usual value.
    """
    rate = RATES[config.task][config.tune_type] * SCALES.get(config.hyperparams.optimizer, 1)
    if config.tune_type == "full":
        return rate
    lora = config.lora
    scale = lora.alpha / (lora.r**0.5 if lora.use_rslora else lora.r)
    return float(rate * min(1.0, 2.0 / scale))
