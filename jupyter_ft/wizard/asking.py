"""The services as the steps ask them: an answer, or what is wrong, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ft_runtime.findings import FindingsError, finding, text
from jupyter_ft.services.estimate.service import estimate
from jupyter_ft.services.models import HubClient, check_model
from jupyter_ft.services.places import Root
from jupyter_ft.services.problem import Problem
from jupyter_ft.services.statistics import sizes
from jupyter_ft.wizard.html import findings_html, note_html
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
    answer = estimate({"config": _model(model.config())}, _everything(), _hub())
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
    return said + findings_html(answer["findings"])


def _model(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config with the place of a local model written out."""
    config.setdefault("provider", "hf_hub")
    name = config.get("model_id")
    if config["provider"] == "hf_local" and isinstance(name, str) and "\0" not in name:
        config["model_id"] = str(Path(name).expanduser().absolute())
    return config


def _everything() -> Root:
    """Return the whole disk: in a kernel the user reads whatever the user may read."""
    return Root(Path(Path.cwd().anchor), allow_hidden=True)


def _hub() -> HubClient:
    return HubClient()
