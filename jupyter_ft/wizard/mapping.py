"""Which column is which: one choice for each column that the format knows."""

from __future__ import annotations

from typing import Any

from ft_runtime.findings import text
from jupyter_ft.wizard.fields import Field
from jupyter_ft.wizard.html import findings_html, help_html
from jupyter_ft.wizard.model import WizardModel
from jupyter_ft.wizard.toolkit import toolkit


class MappingControl:
    """The widgets of a mapping of names, bound to the model in both directions.

    Once the data has been looked at, its columns are offered; before, a name can be typed.

    Attributes
    ----------
    input : ipywidgets widget
        Holds the choices.
    choices : dict of str to ipywidgets widget
        By the column that the format knows.
    widget : ipywidgets widget
        Choices, help and findings.
    """

    def __init__(self, field: Field, model: WizardModel) -> None:
        ipw = toolkit()
        self.field, self.model = field, model
        self.choices: dict[str, Any] = {}
        self._plan: tuple[Any, ...] = ()
        self._showing = False
        self.input = ipw.VBox()
        self.label = field.title
        self.title = ipw.HTML(description=field.title, style={"description_width": "13em"})
        self.notes = ipw.HTML()
        below = ipw.VBox([ipw.HTML(help_html(field.help)), self.notes])
        below.layout.margin = "0 0 6px 13em"
        self.widget = ipw.VBox([ipw.VBox([self.title, self.input]), below])
        self.show()

    def show(self) -> None:
        """Bring the widgets up to what the model holds."""
        given = self.model.given(self.field.path)
        mapping = dict(given) if isinstance(given, dict) else {}
        names = [*dict.fromkeys([*self.model.names(self.field.path), *mapping])]
        seen = self.model.seen
        present = tuple(seen["columns"]) if seen else ()
        plan = (tuple(names), present, tuple(sorted(map(str, mapping.items()))))
        self._showing = True
        try:
            if plan != self._plan:
                self._plan = plan
                self._build(names, present, mapping)
            self.title.value = "" if names else help_html(text("wizard.format_first"))
            self.notes.value = findings_html(self.model.findings(self.field.path))
        finally:
            self._showing = False

    def _build(self, names: list[str], present: tuple[str, ...], mapping: dict[str, Any]) -> None:
        self.choices = {
            str(name): self._choice(str(name), present, str(mapping.get(name) or ""))
            for name in names
        }
        self.input.children = tuple(self.choices.values())

    def _choice(self, name: str, present: tuple[str, ...], actual: str) -> Any:
        ipw = toolkit()
        common = {"description": name, "style": {"description_width": "13em"}}
        if present:
            own = name if name in present else text("wizard.no_column")
            others = [column for column in present if column != name]
            if actual and actual not in present:
                others.append(actual)
            options = [(own, ""), *((column, column) for column in others)]
            known = {value for _, value in options}
            value = actual if actual in known else ""
            widget = ipw.Dropdown(options=options, value=value, **common)
        else:
            widget = ipw.Text(value=actual, placeholder=name, continuous_update=False, **common)
        widget.layout.width = "42em"
        widget.layout.max_width = "100%"
        widget.observe(lambda change: self._chosen(name, change["new"]), names="value")
        return widget

    def _chosen(self, name: str, actual: str) -> None:
        if self._showing:
            return
        given = self.model.given(self.field.path)
        mapping = dict(given) if isinstance(given, dict) else {}
        mapping.pop(name, None)
        if actual.strip() and actual.strip() != name:
            mapping[name] = actual.strip()
        self.model.set(self.field.path, mapping or None)
