"""The data: a path or an upload, a look at the rows, and which column is which."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ft_runtime.findings import text
from jupyter_ft.services.preview import Limits
from jupyter_ft.services.statistics import sizes
from jupyter_ft.wizard.asking import asked
from jupyter_ft.wizard.files import look_at, save_upload
from jupyter_ft.wizard.form import Form
from jupyter_ft.wizard.html import findings_html, note_html, table_html
from jupyter_ft.wizard.model import WizardModel
from jupyter_ft.wizard.steps import question
from jupyter_ft.wizard.toolkit import toolkit, uploaded


class DataStep:
    """Which rows the model learns from.

    An upload stays in memory until its button is pressed; then it is written into the folder of
    the notebook, and its path, format and columns are filled in.
    """

    def __init__(self, model: WizardModel) -> None:
        ipw = toolkit()
        self._model = model
        self.upload = ipw.FileUpload(
            description=text("wizard.upload"), accept=",".join(Limits().extensions), multiple=False
        )
        self.upload.layout.width = "auto"
        self.upload.observe(self._uploaded, names="value")
        self.save, self.saved = question(ipw, "wizard.save_upload", self._save)
        self.save.layout.display = "none"
        self.form = Form("data", model)
        self.look, self.rows = question(ipw, "wizard.look", self._look)
        first = ipw.HBox([self.upload, self.save])
        self.widget = ipw.VBox([first, self.saved, self.form.widget, self.look, self.rows])

    def _uploaded(self, _: Any) -> None:
        files = uploaded(self.upload.value)
        self.save.layout.display = "" if files else "none"
        self.saved.value = "".join(
            note_html(text("wizard.upload_waits", name=name, size=sizes(len(data))))
            for name, data in files
        )

    def _save(self) -> str:
        said = ""
        for name, data in uploaded(self.upload.value)[-1:]:
            path = save_upload(name, data, Path.cwd())
            said = note_html(text("wizard.upload_saved", path=os.path.relpath(path)))
            chosen = {"source": "upload_local_path", "path": path.name}
            self._model.apply({"dataset": chosen})
            self.rows.value = asked(self._look)
        return said

    def _look(self) -> str:
        model = self._model
        columns = model.given("dataset.columns")
        seen = look_at(
            model.given("dataset.path"),
            model.given("dataset.format"),
            columns if isinstance(columns, dict) else None,
        )
        if seen["format"] and not model.given("dataset.format"):
            renamed = {k: v for k, v in seen["mapping"].items() if k != v}
            found: dict[str, Any] = {"format": seen["format"]}
            if renamed and not columns:
                found["columns"] = renamed
            model.apply({"dataset": found})
        values = {
            "name": seen["name"],
            "format": model.given("dataset.format") or text("wizard.unknown"),
            "shown": len(seen["rows"]),
        }
        said = (
            text("wizard.rows_shown", total=seen["total_rows"], **values)
            if seen["total_rows"] is not None
            else text("wizard.rows_partial", **values)
        )
        return (
            note_html(said)
            + findings_html(seen["findings"], places=True)
            + table_html(seen["columns"], seen["rows"])
        )
