"""What must be the same for a run to go on, and what differs when it is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ft_runtime.findings import Finding, finding, text

# These say where the run writes, what it reports and how it is measured: the weights do not depend
# on them. Everything else in the config does shape the weights.
_FREE = (
    "schema_version",
    "eval",
    "logs",
    "artifacts",
    "hw.device",
    "hyperparams.batch_size_eval",
    # How a step is laid out in memory: its gradient is the same.
    "hyperparams.tokens_per_batch",
    "hyperparams.gradient_checkpointing",
    "hyperparams.make_it_fit",
    "hyperparams.torch_compile",
    "dataset.max_lost_fraction",
)
# These schedulers follow the validation loss, so its rows shape the weights too.
_WATCHING = ("reduce_lr_on_plateau", "greedy")
_ABSENT = object()
_KINDS = ("data", "splits", "model", "arguments")


def training_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that influence the weights, as ``{dotted path: value}``."""
    fields = flatten(config)
    watching = fields.get("hyperparams.lr_scheduler") in _WATCHING
    kept = ("eval.max_rows",) if watching else ()
    return {path: value for path, value in fields.items() if path in kept or not _is_free(path)}


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as ``{dotted path: leaf}``; an empty mapping is a leaf."""
    leaves: dict[str, Any] = {}
    for key, item in value.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(item, Mapping) and item:
            leaves.update(flatten(item, path))
        else:
            leaves[path] = plain(item)
    return leaves


def plain(value: Any) -> Any:
    """Return `value` as JSON has it: tuples become lists, paths text, NaN and infinity null."""
    found = json.dumps(value, default=str, ensure_ascii=False)
    return json.loads(found, parse_constant=lambda _: None)


def config_differences(
    before: Mapping[str, Any], after: Mapping[str, Any], folder: str
) -> list[Finding]:
    """Return one error for each training field that differs.

    Parameters
    ----------
    before, after : Mapping
        Fields as `training_fields` returns them: of the run in the folder, and asked for now.
    folder : str
        The run folder, for the message.
    """
    return [
        finding(
            "run.config_changed",
            where=path,
            expected=show(before.get(path, _ABSENT)),
            got=show(after.get(path, _ABSENT)),
            folder=folder,
        )
        for path in differing(before, after)
    ]


def pin_differences(kind: str, before: Any, after: Any, folder: str) -> list[Finding]:
    """Return one error for each part of a pinned value that differs."""
    old, new = _leaves(before), _leaves(after)
    if before != after and not differing(old, new):
        old, new = {"": plain(before)}, {"": plain(after)}
    return [
        finding(
            f"run.{kind}_changed" if kind in _KINDS else "run.pin_changed",
            where=path,
            kind=kind,
            expected=show(old.get(path, _ABSENT)),
            got=show(new.get(path, _ABSENT)),
            folder=folder,
        )
        for path in differing(old, new)
    ]


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the keys whose values differ or that only one side has, in reading order."""
    keys = [*before, *(key for key in after if key not in before)]
    return [key for key in keys if before.get(key, _ABSENT) != after.get(key, _ABSENT)]


def show(value: Any, limit: int = 200) -> str:
    """Return a value for a message: as JSON, cut when long."""
    if value is _ABSENT:
        return text("run.nothing")
    shown = json.dumps(value, default=str, ensure_ascii=False)
    return shown if len(shown) <= limit else f"{shown[:limit]}…"


def _is_free(path: str) -> bool:
    return any(path == free or path.startswith(f"{free}.") for free in _FREE)


def _leaves(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return flatten(value)
    if isinstance(value, list):
        return flatten({str(index): item for index, item in enumerate(value)})
    return {"": plain(value)}
