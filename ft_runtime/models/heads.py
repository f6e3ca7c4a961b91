"""Heads: the weights that turn what a model knows into the answers of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ft_runtime.compat import quiet_libraries
from ft_runtime.findings import FindingsError, finding, notify

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from ft_runtime.models.architecture import ModelConfig

SHOWN = 5
"""How many missing weights a message lists."""
# A layer of the body that masked-language models are saved without.
_POOLER = "pooler"


def labels(names: Sequence[str] | None) -> dict[str, Any]:
    """Return the keywords that give a classifier its labels, as strings in the model's config.

    Raises
    ------
    FindingsError
        When there are fewer than two.
    """
    if names is None or len(names) < 2:
        got = "none" if names is None else repr(list(names))
        raise FindingsError([finding("models.no_labels", where="dataset", got=got)])
    return {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: number for number, name in enumerate(names)},
        "problem_type": "single_label_classification",
        # A head for other labels has another shape; it is replaced, and that is told.
        "ignore_mismatched_sizes": True,
    }


def head_modules(described: ModelConfig, keywords: Mapping[str, Any]) -> list[str]:
    """Return the names of a classifier's modules outside of its body, without loading weights."""
    import torch
    import transformers

    config = type(described.config).from_dict(described.config.to_dict())
    config.num_labels = keywords["num_labels"]
    trusted = {"trust_remote_code": keywords.get("trust_remote_code", False)}
    with torch.device("meta"), quiet_libraries():
        model = transformers.AutoModelForSequenceClassification.from_config(config, **trusted)
    poolers = [name for name, _ in model.named_modules() if name.split(".")[-1] == _POOLER]
    return [*_outside(model), *poolers]


def check_loaded(
    model: PreTrainedModel,
    report: Mapping[str, Any],
    described: ModelConfig,
    task: str,
    name: str,
) -> list[str]:
    """Check that the files held every weight but those of a new head.

    Parameters
    ----------
    model : PreTrainedModel
        As loaded.
    report : Mapping
        What ``from_pretrained(output_loading_info=True)`` tells.
    described : ModelConfig
        The config as it is written in the files.
    task : {"causal_lm", "classification"}
    name : str
        The model, for messages.

    Returns
    -------
    list of str
        Modules with new weights, which must be trained whole; empty for a language model.
    """
    mismatched = {
        entry[0] if isinstance(entry, tuple) else entry for entry in report["mismatched_keys"]
    }
    lacking = sorted({*report["missing_keys"], *mismatched})
    outside = _outside(model) if task == "classification" else []
    new = [key for key in lacking if task == "classification" and _is_head(key, outside)]
    wrong = [key for key in lacking if key not in new]
    if wrong:
        shown = ", ".join(wrong[:SHOWN]) + (", …" if len(wrong) > SHOWN else "")
        values = {"name": name, "count": len(wrong), "keys": shown}
        raise FindingsError([finding("models.missing_weights", where="model_id", **values)])
    if task != "classification":
        return []
    if not new and not _same_labels(model, described):
        _renew(model, outside)
        new = [f"{module}." for module in outside]
        mismatched = set(new)
    if mismatched:
        notify(finding("models.head_replaced", where="model_id", name=name))
    return sorted({key.rpartition(".")[0] for key in new})


def _outside(model: PreTrainedModel) -> list[str]:
    """Return the children of a model that have weights and are not its body."""
    return [
        name
        for name, child in model.named_children()
        if name != model.base_model_prefix and any(True for _ in child.parameters())
    ]


def _is_head(key: str, outside: Sequence[str]) -> bool:
    parts = key.split(".")
    return parts[0] in outside or _POOLER in parts


def _same_labels(model: PreTrainedModel, described: ModelConfig) -> bool:
    """Return True if the head in the files was made for these labels in this order."""
    return described.config.id2label == model.config.id2label


def _renew(model: PreTrainedModel, names: Sequence[str]) -> None:
    """Give modules random weights again, as in a model that was never trained."""
    import torch

    spread = getattr(model.config, "initializer_range", 0.02)
    with torch.no_grad():
        for name in names:
            for module in model.get_submodule(name).modules():
                if isinstance(module, torch.nn.Linear):
                    module.weight.normal_(0.0, spread)
                    if module.bias is not None:
                        module.bias.zero_()
