"""The checked config as an object."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ft_runtime.config.schema import load_schema


class Config(Mapping[str, Any]):
    """A checked, complete, read-only config.

    Fields are attributes (``config.lora.r``) and keys (``config["lora"]["r"]``). A field of the
    schema that does not apply here (``lora`` in full fine-tuning) is None as an attribute and no
    key.

    Parameters
    ----------
    document : Mapping
        Checked and complete, as `ft_runtime.config.check_config` returns it.
    """

    __slots__ = ("_fields", "_values")

    def __init__(self, document: Mapping[str, Any], _schema: dict[str, Any] | None = None) -> None:
        fields = (_schema or load_schema()).get("properties", {})
        object.__setattr__(self, "_fields", fields)
        object.__setattr__(self, "_values", copy.deepcopy(dict(document)))

    def __getattr__(self, name: str) -> Any:
        if name in self._values:
            return self[name]
        if name in self._fields:
            return None
        raise AttributeError(f"the config has no field {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a config is read-only: change CONFIG and load it again")

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        field = self._fields.get(name, {})
        if isinstance(value, dict) and "properties" in field:
            return Config(value, field)
        return copy.deepcopy(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        from ft_runtime.config.read import to_yaml

        return to_yaml(self._values).rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        return Config, (self._values, {"properties": self._fields})

    @property
    def task(self) -> str:
        """The kind of model: ``classification`` or ``causal_lm``."""
        chosen = self._values["dataset"]["format"]
        return "classification" if chosen == "csv_classification" else "causal_lm"

    def to_dict(self) -> dict[str, Any]:
        """Return the config as plain data, a copy."""
        return copy.deepcopy(self._values)

    def to_yaml(self) -> str:
        """Return the config as YAML; loading it gives an equal config."""
        from ft_runtime.config.read import to_yaml

        return to_yaml(self._values)
