"""What the user has filled in so far, and what is wrong with it; knows no widget."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from ft_runtime.config import load_schema
from ft_runtime.config.defaults import complete, lookup
from jupyter_ft.services.validate import validate
from jupyter_ft.wizard.fields import Field
from jupyter_ft.wizard.rules import is_forbidden, names_of, ruled_out


class WizardModel:
    """The config as it is being filled in.

    It holds only what the user set. What a rule of the schema hides (the adapter in full
    fine-tuning) stays, so that going back and forth loses nothing, but is not part of the config.

    Parameters
    ----------
    config : Mapping, optional
        A document to begin with.
    """

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        self._draft: dict[str, Any] = copy.deepcopy(dict(config or {}))
        self._listeners: list[Callable[[], None]] = []
        self._seen: dict[str, Any] | None = None
        self._update()

    @property
    def hidden(self) -> frozenset[str]:
        """Paths of fields and sections that the rules rule out now."""
        return self._hidden

    @property
    def answer(self) -> dict[str, Any]:
        """What the service ``validate`` says: valid, findings, config, yaml."""
        return self._answer

    @property
    def seen(self) -> dict[str, Any] | None:
        """The last look at the data, as the service ``preview`` answers; None before."""
        return self._seen

    @seen.setter
    def seen(self, answer: dict[str, Any] | None) -> None:
        self._seen = answer
        self._tell()

    def offers(self, field: Field, option: Any) -> bool:
        """Tell whether the rules of the schema leave an option of a choice."""
        value = [option] if field.kind == "choices" else option
        return not is_forbidden(field.path, value, self._complete)

    def names(self, path: str) -> list[str]:
        """Return the keys that a mapping may have as things stand."""
        return names_of(path, self._complete)

    def observe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    def value(self, path: str) -> Any:
        """Return what a field has: what was set, else its default as things stand."""
        return lookup(self._complete, path)

    def given(self, path: str) -> Any:
        """Return what was set, or None."""
        return lookup(self._draft, path)

    def set(self, path: str, value: Any) -> None:
        """Set a field; None takes it back to its default."""
        if value == self.given(path) and type(value) is type(self.given(path)):
            return
        _put(self._draft, path, value)
        self._update()
        self._tell()

    def apply(self, config: Mapping[str, Any]) -> None:
        """Lay a partial config over what is there, as a preset does."""
        _merge(self._draft, config)
        self._update()
        self._tell()

    def config(self) -> dict[str, Any]:
        """Return the document without what is hidden."""
        result = copy.deepcopy(self._draft)
        for path in self._hidden:
            _put(result, path, None)
        return result

    def is_hidden(self, path: str) -> bool:
        """Tell whether a field, or a section around it, is ruled out."""
        return any(path == one or path.startswith(f"{one}.") for one in self._hidden)

    def findings(self, path: str | None = None) -> list[dict[str, str]]:
        """Return the findings, all of them or those of one field."""
        found: list[dict[str, str]] = self._answer["findings"]
        if path is None:
            return found
        return [item for item in found if _belongs(item["where"], path)]

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    def _update(self) -> None:
        self._complete = complete(_sections_only(self._draft))
        self._hidden = frozenset(ruled_out(self._complete))
        self._answer = validate({"config": self.config()})


def read_typed(field: Field, typed: str) -> Any:
    """Return what the user typed as a value; what cannot be read stays a text for the check.

    An empty text is None: the default.
    """
    said = typed.strip()
    if not said:
        return None
    if field.kind == "number":
        return _number(said)
    if field.kind == "document":
        try:
            value = yaml.safe_load(said) if said[0] in "[{" else said
        except yaml.YAMLError:
            return said
        return value
    return said


def show_typed(value: Any) -> str:
    """Return a value as one would type it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        shown: str = yaml.safe_dump(
            value, default_flow_style=True, allow_unicode=True, width=1 << 30, sort_keys=False
        )
        return shown.strip()
    return str(value)


def _number(said: str) -> Any:
    for read in (int, float):
        try:
            return read(said)
        except ValueError:
            continue
    return said


def _belongs(where: str, path: str) -> bool:
    return where == path or where.startswith((f"{path}.", f"{path}["))


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    """Set a dotted path; None removes it. A section that becomes empty stays when it was there."""
    *sections, name = path.split(".")
    for section in sections:
        inner = document.get(section)
        if not isinstance(inner, dict):
            if value is None:
                return
            inner = document[section] = {}
        document = inner
    if value is None:
        document.pop(name, None)
    else:
        document[name] = value


def _merge(document: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, Mapping) and isinstance(document.get(name), dict):
            _merge(document[name], value)
        else:
            document[name] = copy.deepcopy(value)


def _sections_only(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out what stands in a section's place and is none: the check tells of it."""
    sections = {name for name, part in load_schema()["properties"].items() if "properties" in part}
    return {
        name: value
        for name, value in document.items()
        if name not in sections or isinstance(value, dict)
    }
