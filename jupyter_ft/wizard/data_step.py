"""The data: a path or an upload, a look at the rows, and which column is which."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ft_runtime.findings import text
from jupyter_ft.services.preview import Limits
from jupyter_ft.services.statistics import sizes
from jupyter_ft.wizard.asking import asked, look, row_html
from jupyter_ft.wizard.files import save_upload
from jupyter_ft.wizard.form import Form
from jupyter_ft.wizard.html import findings_html, note_html, table_html
from jupyter_ft.wizard.model import WizardModel
from jupyter_ft.wizard.steps import forget, question
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
        self.number = ipw.BoundedIntText(value=1, min=1, max=1, description=text("wizard.row"))
        self.number.layout.width = "10em"
        self.render, self.rendered = question(
            ipw, "wizard.render", lambda: row_html(model, self.number.value)
        )
        first = ipw.HBox([self.upload, self.save])
        shown = ipw.HBox([self.number, self.render])
        parts = [first, self.saved, self.form.widget, self.look, self.rows, shown, self.rendered]
        self.widget = ipw.VBox(parts)
        self._source = self._data()
        model.observe(self._changed)
        shown = ("provider", "model_id", "revision", "dataset", "hyperparams.max_seq_len")
        forget(self.rendered, model, lambda: [model.given(name) for name in shown])
        self.number.observe(self._other_row, names="value")

    def _other_row(self, _: Any) -> None:
        self.rendered.value = ""

    def _data(self) -> list[Any]:
        names = ("source", "path", "id", "config_name", "revision")
        return [self._model.given(f"dataset.{name}") for name in names]

    def _changed(self) -> None:
        """Forget rows that are not those of the data that is named now."""
        now = self._data()
        if now != self._source:
            self._source = now
            self.rows.value = ""
            if self._model.seen is not None:
                self._model.seen = None

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
        model.seen = None
        seen = look(model)
        if seen["format"] and not model.given("dataset.format"):
            renamed = {k: v for k, v in seen["mapping"].items() if k != v}
            found: dict[str, Any] = {"format": seen["format"]}
            if renamed and not model.given("dataset.columns"):
                found["columns"] = renamed
            model.apply({"dataset": found})
        model.seen = seen
        self.number.max = max(1, len(seen["rows"]))
        return looked_html(seen, str(model.given("dataset.format") or text("wizard.unknown")))


def looked_html(seen: dict[str, Any], format: str) -> str:
    """Return what was seen of the data: how much, what the hub says, what is wrong, the rows."""
    values = {"name": seen["name"], "format": format, "shown": len(seen["rows"])}
    if seen["total_rows"] is not None:
        said = text("wizard.rows_shown", total=seen["total_rows"], **values)
    elif seen["estimated_rows"] is not None:
        said = text("wizard.rows_about", total=seen["estimated_rows"], **values)
    else:
        said = text("wizard.rows_partial", **values)
    notes = note_html(said) if seen["rows"] else ""
    if hub := seen["hub"]:
        unknown = text("wizard.unknown")
        facts = {name: hub[name] or unknown for name in ("licence", "split")}
        facts["splits"] = ", ".join(hub["splits"]) or unknown
        facts["configs"] = ", ".join(hub["configs"][:20]) or unknown
        notes += note_html(text("wizard.hub_facts", **facts))
    found = findings_html(seen["findings"], places=True)
    return notes + found + (table_html(seen["columns"], seen["rows"]) if seen["rows"] else "")
