"""The review: all findings, the config, and the two ways to get the notebook."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ft_runtime.config import load_config
from ft_runtime.files import from_home
from ft_runtime.findings import Finding, FindingsError, text
from jupyter_ft.services.generate import CELLS, generate
from jupyter_ft.services.problem import Problem
from jupyter_ft.wizard.files import write_notebook
from jupyter_ft.wizard.form import Form
from jupyter_ft.wizard.html import code_html, findings_html, note_html, summary_html
from jupyter_ft.wizard.insert import Insertion
from jupyter_ft.wizard.model import WizardModel
from jupyter_ft.wizard.toolkit import toolkit


class ReviewStep:
    """What will be made, and the buttons that make it.

    Parameters
    ----------
    model : WizardModel
    folder : str
        Where the notebook is written.
    inserter : callable
        As `Insertion`.
    """

    def __init__(
        self, model: WizardModel, folder: str, inserter: Callable[..., Any] = Insertion
    ) -> None:
        ipw = toolkit()
        self._model, self._inserter = model, inserter
        self._asked: object = None
        self.form = Form("review", model)
        self.summary, self.yaml, self.said = ipw.HTML(), ipw.HTML(), ipw.HTML()
        self.insert = ipw.Button(description=text("wizard.insert"), button_style="primary")
        self.write = ipw.Button(description=text("wizard.write"))
        self.folder = ipw.Text(value=folder, description=text("wizard.folder"))
        self.overwrite = ipw.Checkbox(
            value=False, description=text("wizard.overwrite"), indent=False
        )
        self.links = ipw.Output()
        for button, call in ((self.insert, self._insert), (self.write, self._write)):
            button.layout.width = "auto"
            button.on_click(call)
        parts = [
            self.form.widget,
            self.summary,
            self.yaml,
            ipw.HBox([self.insert, self.write]),
            ipw.HBox([self.folder, self.overwrite]),
            self.said,
            self.links,
        ]
        self.widget = ipw.VBox(parts)
        self.show()

    def show(self) -> None:
        """Bring findings, config and buttons up to what the model holds."""
        answer = self._model.answer
        self.form.show()
        self.summary.value = summary_html(answer["findings"])
        self.yaml.value = code_html(answer["yaml"]) if answer["yaml"] else ""
        for button in (self.insert, self.write):
            button.disabled = not answer["valid"]

    def _insert(self, _: Any) -> None:
        self.links.outputs = ()
        try:
            made = generate({"config": self._model.config()}, CELLS).data
        except (FindingsError, Problem) as error:
            self._tell(error.findings)
            return
        cells = made["cells"] if isinstance(made, dict) else []
        self.insert.disabled = True
        self.said.value = note_html(text("wizard.inserting", count=len(cells)))
        self._asked = asked = object()
        self._inserter([dict(cell) for cell in cells], lambda told: self._inserted(told, asked))

    def _inserted(self, result: str | Finding, asked: object) -> None:
        if asked is not self._asked:  # an answer that comes after Insert was pressed again
            return
        self.insert.disabled = not self._model.answer["valid"]
        if isinstance(result, Finding):
            self._tell([result])
        else:
            self.said.value = note_html(result)

    def _write(self, _: Any) -> None:
        from IPython.display import FileLink

        from jupyter_ft.magic import LINKED, offer_download

        self.links.outputs = ()
        folder = Path(from_home(self.folder.value.strip() or "."))
        try:
            config = load_config(self._model.config())
            bundle, paths, changes = write_notebook(config, folder, force=self.overwrite.value)
        except (FindingsError, Problem) as error:
            self._tell(error.findings)
            return
        told = note_html(text("wizard.written", count=len(paths), folder=folder))
        self.said.value = told + findings_html(item.to_dict() for item in changes)
        for path in paths:
            if path.suffix in LINKED:
                self.links.append_display_data(FileLink(os.path.relpath(path)))
        offer_download(bundle, folder)

    def _tell(self, findings: list[Finding]) -> None:
        self.said.value = findings_html((item.to_dict() for item in findings), places=True)
