"""The YAML head of a model card, as the Hugging Face Hub reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ft_runtime.artifacts.facts import Facts
from ft_runtime.artifacts.markdown import one_line
from ft_runtime.files import from_home

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

# Names of metrics as the hub lists them.
_HUB_METRICS = {"rouge1": "rouge", "rouge2": "rouge", "rougeL": "rouge"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def card_data(facts: Facts) -> ModelCardData:
    """Return the metadata: base, data, task, results. Nothing is guessed; unknown is left out."""
    from huggingface_hub import ModelCardData

    data_id = facts.config["dataset"].get("id")
    results = _results(facts)
    return ModelCardData(
        base_model=facts.hub_base,
        base_model_relation=_relation(facts),
        datasets=[data_id] if data_id else None,
        library_name="peft" if facts.is_adapter else "transformers",
        license=base_licence(facts),
        metrics=sorted({result.metric_type for result in results}) or None,
        model_name=model_name(facts),
        eval_results=results or None,
        pipeline_tag="text-classification" if facts.classification else "text-generation",
        tags=["fine-tuning", "ft-runtime", facts.config["tune_type"]],
    )


def model_name(facts: Facts) -> str:
    """Return the name of the repository, else of the run folder, as plain letters."""
    asked = facts.config["artifacts"].get("hub_model_id") or facts.folder.name
    return _UNSAFE.sub("-", asked.rsplit("/", 1)[-1]).strip("-.") or "model"


def base_licence(facts: Facts) -> str | None:
    """Return the licence that the base model's own card names; None when it is not at hand.

    Looked at are the folder of a local base and the local cache of the hub; nothing is requested.
    """
    from huggingface_hub import ModelCard, try_to_load_from_cache

    if facts.hub_base is None:
        path: Any = Path(from_home(facts.config["model_id"])) / "README.md"
    else:
        path = try_to_load_from_cache(facts.hub_base, "README.md", revision=facts.revision)
    if not isinstance(path, (str, Path)) or not Path(path).is_file():
        return None
    try:
        licence = ModelCard.load(Path(path), ignore_metadata_errors=True).data.get("license")
    except (OSError, ValueError):
        return None
    return licence if isinstance(licence, str) else None


def _relation(facts: Facts) -> str | None:
    if facts.hub_base is None:
        return None
    return "adapter" if facts.is_adapter else "finetune"


def _results(facts: Facts) -> list[EvalResult]:
    """Return one result for each metric with a value: that of the tuned model."""
    from huggingface_hub import EvalResult

    dataset = facts.config["dataset"]
    name = dataset.get("id") or ", ".join(str(s["name"]) for s in facts.sources) or "local"
    return [
        EvalResult(
            task_type="text-classification" if facts.classification else "text-generation",
            dataset_type=one_line(dataset.get("id") or "local"),
            dataset_name=one_line(name),
            dataset_split=facts.report["held_out"]["split"],
            dataset_revision=dataset.get("revision"),
            metric_type=_HUB_METRICS.get(row["name"], row["name"]),
            metric_name=row["name"],
            metric_value=row["tuned"],
            metric_args={key: row[key] for key in ("signature", "n", "base", "interval")},
        )
        for row in facts.report.get("metrics", [])
        if row["tuned"] is not None
    ]
