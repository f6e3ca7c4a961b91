"""The form of one step: its fields in sections, the advanced ones folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from ft_runtime.findings import text
from jupyter_ft.wizard.controls import Control
from jupyter_ft.wizard.fields import Field, fields, section_title
from jupyter_ft.wizard.mapping import MappingControl
from jupyter_ft.wizard.model import WizardModel
from jupyter_ft.wizard.toolkit import titled, toolkit


class Form:
    """All fields of a step.

    Attributes
    ----------
    controls : dict of str to Control
        By the path of the field.
    widget : ipywidgets widget
    """

    def __init__(
        self,
        step: str,
        model: WizardModel,
        suggestions: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        ipw = toolkit()
        mine = [field for field in fields() if field.step == step]
        offered = suggestions or {}
        self.model = model
        self.controls: dict[str, Control | MappingControl] = {
            field.path: MappingControl(field, model)
            if field.kind == "mapping"
            else Control(field, model, offered.get(field.path, ()))
            for field in mine
        }
        self._headings: list[tuple[Any, list[str]]] = []
        parts = self._sections(ipw, [field for field in mine if not field.advanced])
        advanced = self._sections(ipw, [field for field in mine if field.advanced])
        if advanced:
            folded = ipw.Accordion(children=[ipw.VBox(advanced)], selected_index=None)
            parts.append(titled(folded, [text("wizard.advanced")]))
        self.widget = ipw.VBox(parts)
        self.show()

    def show(self) -> None:
        """Bring all controls up to what the model holds."""
        for control in self.controls.values():
            control.show()
        for heading, paths in self._headings:
            shown = any(not self.model.is_hidden(path) for path in paths)
            heading.layout.display = "" if shown else "none"

    def _sections(self, ipw: Any, some: list[Field]) -> list[Any]:
        parts = []
        for section, members in groupby(some, key=lambda field: field.section):
            paths = [field.path for field in members]
            if section:
                heading = ipw.HTML(f"<b>{escape(section_title(section))}</b>")
                self._headings.append((heading, paths))
                parts.append(heading)
            parts += [self.controls[path].widget for path in paths]
        return parts
