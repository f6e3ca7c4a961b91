"""A widget for a field of the config, with its help and its findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ft_runtime.findings import text
from jupyter_ft.wizard.fields import Field
from jupyter_ft.wizard.html import findings_html, help_html
from jupyter_ft.wizard.model import WizardModel, read_typed, show_typed
from jupyter_ft.wizard.toolkit import toolkit

_STYLE = {"description_width": "13em"}
_WIDTH = "42em"


class Control:
    """The widget of a field, bound to the model in both directions.

    Attributes
    ----------
    input : ipywidgets widget
        Where the value is typed or chosen.
    widget : ipywidgets widget
        Input, help and findings.
    """

    def __init__(self, field: Field, model: WizardModel, suggestions: Iterable[str] = ()) -> None:
        ipw = toolkit()
        self.field, self.model = field, model
        self._showing = False
        self.input = _make(ipw, field, tuple(suggestions))
        self.label = self.input.description
        self.notes = ipw.HTML()
        below = ipw.VBox([ipw.HTML(help_html(field.help)), self.notes])
        below.layout.margin = "0 0 6px 13em"
        self.widget = ipw.VBox([self.input, below])
        self.show()
        self.input.observe(self._typed, names="value")

    def show(self) -> None:
        """Bring the widget up to what the model holds."""
        self._showing = True
        try:
            self.widget.layout.display = "none" if self._hidden() else ""
            self._show_value()
            self.notes.value = findings_html(self.model.findings(self.field.path))
        finally:
            self._showing = False

    def _offer(self) -> None:
        """Offer what the rules leave; what is chosen all the same stays in sight, with a mark."""
        field = self.field
        chosen = self.model.value(field.path)
        held = chosen if isinstance(chosen, list) else [chosen]
        options = [] if field.kind == "choices" else [("—", -1)]
        for place, option in enumerate(field.options):
            fits = self.model.offers(field, option)
            if fits or option in held:
                said = show_option(option)
                label = said if fits else text("wizard.not_offered", option=said)
                options.append((label, option if field.kind == "choices" else place))
        if tuple(self.input.options) != tuple(options):
            self.input.options = options

    def _hidden(self) -> bool:
        return self.model.is_hidden(self.field.path)

    def _show_value(self) -> None:
        given = self.model.given(self.field.path)
        now = self.model.value(self.field.path)
        now = self.field.default if now is None else now
        kind = self.field.kind
        if kind in ("text", "number", "document"):
            # What was typed stays as it was typed: 2e-4 does not turn into 0.0002 under the hand.
            if read_typed(self.field, self.input.value) != given:
                self.input.value = show_typed(given)
            self.input.placeholder = show_typed(now)
        elif kind == "boolean":
            self.input.value = now is True
        elif kind == "choices":
            self._offer()
            chosen = now if isinstance(now, list) else []
            self.input.value = tuple(option for option in self.field.options if option in chosen)
        else:
            self._offer()
            self.input.value = _place(self.field, now)

    def _typed(self, change: dict[str, Any]) -> None:
        if self._showing:
            return
        value = change["new"]
        if self.field.kind in ("text", "number", "document"):
            value = read_typed(self.field, value)
        elif self.field.kind == "choices":
            value = list(value) or None
        elif self.field.kind == "choice":
            value = None if value < 0 else self.field.options[value]
        self.model.set(self.field.path, value)


def _place(field: Field, value: Any) -> int:
    """Return the place of a value among the options; -1 when it is none of them.

    By place and not by value, as 1 and true are equal.
    """
    for place, option in enumerate(field.options):
        if option == value and type(option) is type(value):
            return place
    return -1


def _make(ipw: Any, field: Field, suggestions: tuple[str, ...]) -> Any:
    unit = f" [{field.unit}]" if field.unit else ""
    common = {"description": f"{field.title}{unit}", "style": _STYLE}
    if field.kind == "boolean":
        widget = ipw.Checkbox(value=False, indent=True, **common)
    elif field.kind == "choices":
        rows = min(6, len(field.options))
        widget = ipw.SelectMultiple(options=[], rows=rows, **common)
    elif field.kind == "choice":
        widget = ipw.Dropdown(options=[("—", -1)], value=-1, **common)
    elif suggestions:
        # Not `continuous_update`: in a remote kernel every key would be a round trip.
        widget = ipw.Combobox(
            options=suggestions, ensure_option=False, continuous_update=False, **common
        )
    else:
        widget = ipw.Text(continuous_update=False, **common)
    widget.layout.width = _WIDTH
    widget.layout.max_width = "100%"
    return widget


def show_option(option: Any) -> str:
    """Return an option as it stands in a config."""
    return str(option).lower() if isinstance(option, bool) else str(option)
