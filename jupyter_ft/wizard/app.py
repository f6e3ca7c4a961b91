"""The four steps together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ft_runtime.findings import text
from jupyter_ft.wizard.data_step import DataStep
from jupyter_ft.wizard.model import WizardModel
from jupyter_ft.wizard.review import ReviewStep
from jupyter_ft.wizard.steps import ModelStep, TrainingStep
from jupyter_ft.wizard.toolkit import titled, toolkit


class Wizard:
    """The wizard: model, data, training, review. The last expression of a cell shows it.

    Parameters
    ----------
    config : Mapping, optional
        A config document to begin with; it may be incomplete.
    folder : str
        Where *Write notebook* writes.

    Attributes
    ----------
    model : WizardModel
        What was filled in; ``model.config()`` is the config.
    widget : ipywidgets.Tab

    Raises
    ------
    FindingsError
        ``wizard.no_ipywidgets``.
    """

    def __init__(
        self, config: Mapping[str, Any] | None = None, folder: str = "ft-notebook"
    ) -> None:
        ipw = toolkit()
        self.model = WizardModel(config)
        self.model_step = ModelStep(self.model)
        self.data_step = DataStep(self.model)
        self.training_step = TrainingStep(self.model)
        self.review_step = ReviewStep(self.model, folder)
        steps = (self.model_step, self.data_step, self.training_step, self.review_step)
        titles = [
            text("wizard.step_model"),
            text("wizard.step_data"),
            text("wizard.step_training"),
            text("wizard.step_review"),
        ]
        numbered = [f"{number}. {title}" for number, title in enumerate(titles, 1)]
        self.widget = titled(ipw.Tab(children=[step.widget for step in steps]), numbered)
        self.model.observe(self._changed)

    def _changed(self) -> None:
        for step in (self.model_step, self.data_step, self.training_step, self.review_step):
            step.form.show()
        self.review_step.show()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget)

    def __repr__(self) -> str:
        said = self.model.config().get("model_id", "")
        return f"Wizard({said!r})"
