"""Model and training: a form, and a question to a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ft_runtime.findings import text
from jupyter_ft.services.presets import presets
from jupyter_ft.wizard.asking import asked, memory_html, model_html
from jupyter_ft.wizard.form import Form
from jupyter_ft.wizard.model import WizardModel
from jupyter_ft.wizard.toolkit import toolkit


class ModelStep:
    """Which model, and how it is tuned."""

    def __init__(self, model: WizardModel) -> None:
        ipw = toolkit()
        names = [item["id"] for item in presets()["models"]]
        self.form = Form("model", model, {"model_id": names})
        self.check, self.facts = question(ipw, "wizard.check_model", lambda: model_html(model))
        named = ("provider", "model_id", "revision")
        forget(self.facts, model, lambda: [model.given(name) for name in named])
        self.widget = ipw.VBox([self.form.widget, self.check, self.facts])


class TrainingStep:
    """How it is trained, with presets to start from."""

    def __init__(self, model: WizardModel) -> None:
        ipw = toolkit()
        self._tasks = {item["id"]: item for item in presets()["tasks"]}
        self._model = model
        options = [
            (f"{item['title']}: {item['description']}", name) for name, item in self._tasks.items()
        ]
        self.preset = ipw.Dropdown(
            options=[(text("wizard.no_preset"), ""), *options],
            value="",
            description=text("wizard.preset"),
            style={"description_width": "13em"},
        )
        self.preset.layout.width = "42em"
        self.preset.observe(self._chosen, names="value")
        self.form = Form("training", model)
        self.estimate, self.memory = question(ipw, "wizard.estimate", lambda: memory_html(model))
        forget(self.memory, model, model.config)
        parts = [self.preset, self.form.widget, self.estimate, self.memory]
        self.widget = ipw.VBox(parts)

    def _chosen(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self._model.apply(self._tasks[change["new"]]["config"])


def question(ipw: Any, label: str, ask: Callable[[], str]) -> tuple[Any, Any]:
    """Return a button, and the place where its answer appears."""
    button, place = ipw.Button(description=text(label)), ipw.HTML()
    button.layout.width = "auto"

    def answer(_: Any) -> None:
        button.disabled = True
        try:
            place.value = asked(ask)
        finally:
            button.disabled = False

    button.on_click(answer)
    return button, place


def forget(place: Any, model: WizardModel, asked: Callable[[], Any]) -> None:
    """Empty the place of an answer whenever what was asked is no longer what the form says."""
    known = repr(asked())

    def changed() -> None:
        nonlocal known
        now = repr(asked())
        if now != known:
            known, place.value = now, ""

    model.observe(changed)
