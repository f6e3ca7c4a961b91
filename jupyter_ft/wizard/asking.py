"""The services as the steps ask them: an answer, or what is wrong, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ft_runtime.findings import FindingsError, finding, text
from jupyter_ft.services.child import Child
from jupyter_ft.services.estimate.service import estimate
from jupyter_ft.services.hub_datasets import HubDatasets
from jupyter_ft.services.models import HubClient, check_model
from jupyter_ft.services.places import Root
from jupyter_ft.services.preview import Limits, preview_hub
from jupyter_ft.services.problem import Problem
from jupyter_ft.services.render import render
from jupyter_ft.services.statistics import sizes
from jupyter_ft.wizard.files import expanded, look_at, train_path
from jupyter_ft.wizard.html import findings_html, note_html, rendered_html
from jupyter_ft.wizard.model import WizardModel


def asked(question: Callable[[], str]) -> str:
    """Return the HTML that a question gives, or that of the findings it ends with."""
    try:
        return question()
    except (FindingsError, Problem) as error:
        return findings_html(item.to_dict() for item in error.findings)


def model_html(model: WizardModel) -> str:
    """Return what is known of the model."""
    body = _model(model.config())
    if not body.get("model_id"):
        raise FindingsError([finding("wizard.no_model", "model_id")])
    facts = check_model(
        {key: body.get(key) for key in ("provider", "model_id", "revision")}, _everything(), _hub()
    )
    said = ""
    if facts["exists"]:
        unknown = text("wizard.unknown")
        count = facts["parameters"]
        shown = {
            "architecture": facts["architecture"] or unknown,
            "parameters": f"{count:,}" if count else unknown,
            "context": facts["context_length"] or unknown,
            "licence": facts["licence"] or unknown,
        }
        said = note_html(text("wizard.model_facts", **shown))
    return said + findings_html(facts["findings"])


def memory_html(model: WizardModel) -> str:
    """Return how much memory the config takes."""
    body = {"config": _model(model.config()), "data": _size(model.seen)}
    answer = estimate(body, _everything(), _hub())
    said = ""
    if answer["memory"]:
        device = answer["device"]
        values = {"need": sizes(answer["memory"]["total"]), "device": device["name"]}
        there = device["memory_bytes"]
        said = note_html(
            text("wizard.memory_of", there=sizes(there), **values)
            if there
            else text("wizard.memory", **values)
        )
    if answer["time_seconds"]:
        minutes = max(1, round(answer["time_seconds"] / 60))
        said += note_html(text("wizard.time", minutes=minutes))
    return said + findings_html(answer["findings"])


def look(model: WizardModel) -> dict[str, Any]:
    """Return what is in the data, as the service ``preview`` answers.

    Raises
    ------
    FindingsError, Problem
        When there is nothing to look at.
    """
    format, columns = model.given("dataset.format"), model.given("dataset.columns")
    columns = columns if isinstance(columns, dict) else None
    if model.value("dataset.source") != "hf_dataset_id":
        return look_at(model.given("dataset.path"), format, columns)
    if not model.given("dataset.id"):
        raise FindingsError([finding("wizard.no_id", "dataset.id")])
    names = {name: model.given(f"dataset.{name}") for name in ("id", "config_name", "revision")}
    return preview_hub({**names, "split": None}, format, columns, Limits(), _datasets())


def row_html(model: WizardModel, number: int) -> str:
    """Return a row, counted from 1, as the model sees it, with what is learned marked."""
    config = _model(model.config())
    if not config.get("model_id"):
        raise FindingsError([finding("wizard.no_model", "model_id")])
    data = config.get("dataset") or {}
    if not data.get("format"):
        raise FindingsError([finding("wizard.no_format", "dataset.format")])
    body = {name: config.get(name) for name in ("provider", "model_id", "revision")}
    body |= {name: data.get(name) for name in ("format", "columns")}
    body |= {"row": number - 1, "max_seq_len": model.value("hyperparams.max_seq_len")}
    if data.get("source") == "hf_dataset_id":
        body |= {name: data.get(name) for name in ("id", "config_name")}
        body["dataset_revision"] = data.get("revision")
    else:
        body["path"] = expanded(train_path(data.get("path"))).absolute().as_posix()
    source = _datasets()
    answer = render(body, _everything(), Limits(), source.child, source)
    said = ""
    if answer["segments"]:
        values = {"tokens": answer["tokens"], "learned": answer["supervised_tokens"]}
        said = note_html(text("wizard.row_facts", **values)) + rendered_html(answer["segments"])
    return said + findings_html(answer["findings"], places=True)


def _size(seen: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return of data that was looked at what an estimate needs."""
    if not seen or not seen["statistics"] or not seen["statistics"]["rows"]:
        return None
    length = seen["statistics"]["length"]
    size = {"rows": seen["estimated_rows"], "characters": length["mean"]}
    return {**size, "longest_bytes": length["longest_bytes"] if seen["complete"] else None}


def _model(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config with the place of a local model written out."""
    config.setdefault("provider", "hf_hub")
    name = config.get("model_id")
    if config["provider"] == "hf_local" and isinstance(name, str) and "\0" not in name:
        config["model_id"] = str(expanded(name).absolute())
    return config


def _everything() -> Root:
    """Return the whole disk: in a kernel the user reads whatever the user may read."""
    return Root(Path(Path.cwd().anchor), allow_hidden=True)


def _hub() -> HubClient:
    return HubClient()


@lru_cache(maxsize=1)
def _datasets() -> HubDatasets:
    """Return the one that remembers the rows which were fetched last."""
    return HubDatasets(_hub(), Child(sys.executable))
