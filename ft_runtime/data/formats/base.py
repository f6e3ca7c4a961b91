"""What a data format is: its columns, and how a row of it is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ft_runtime.data.places import Place
from ft_runtime.data.tally import Tally
from ft_runtime.findings import Finding

Parsed = tuple[dict[str, Any], list[Finding]]


@dataclass(frozen=True)
class Format:
    """One data format.

    Attributes
    ----------
    name : str
        As in ``dataset.format``.
    required, optional : tuple of str
        Canonical columns.
    parse : callable
        ``(values, place, tally) -> (fields, problems)``: checks one row, given as canonical column
        to raw value; doubts that do not stop the row go to the tally. The fields count only when
        there are no problems.
    prompt : callable
        ``fields -> key``: what the model is given, without what it must produce. Two rows with
        equal keys ask the same.
    """

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    parse: Callable[[Mapping[str, Any], Place, Tally], Parsed]
    prompt: Callable[[Mapping[str, Any]], Any]

    @property
    def columns(self) -> tuple[str, ...]:
        """All canonical columns."""
        return self.required + self.optional
