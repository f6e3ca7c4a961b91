"""What a data format is: its columns, and what a row of it hands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True)
class Format:
    """One data format. What makes a row of it broken is said by `ft_runtime.doctor.jsonl.explain`.

    Attributes
    ----------
    name : str
        As in ``dataset.format``.
    required, optional : tuple of str
        Canonical columns.
    fields : callable
        ``values -> fields``: what a sound row hands on, given as canonical column to raw value.
    prompt : callable
        ``fields -> key``: what the model is given, without what it must produce. Two rows with
        equal keys ask the same.
    """

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    fields: Callable[[Mapping[str, Any]], Fields]
    prompt: Callable[[Mapping[str, Any]], Any]

    @property
    def columns(self) -> tuple[str, ...]:
        """All canonical columns."""
        return self.required + self.optional
