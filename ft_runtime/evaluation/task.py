"""What an evaluation of one kind of model consists of."""

from __future__ import annotations

from typing import Any, Protocol

from ft_runtime.evaluation.bootstrap import Statistic
from ft_runtime.evaluation.report import ExampleRow
from ft_runtime.findings import Finding


class Task(Protocol):
    """Measures any number of models on the same rows, then compares two of them.

    Attributes
    ----------
    sample_rows : list of int
        Numbers of the rows that answers are generated for.
    findings : list of Finding
        What is doubtful about the rows.
    """

    sample_rows: list[int]
    findings: list[Finding]

    def measure(self, model: Any, who: str) -> Any:
        """Run one model over the rows; `who` is shown beside the progress bar."""

    def statistics(self, base: Any, tuned: Any) -> list[Statistic]:
        """Return every metric of two measurements."""

    def examples(self, base: Any, tuned: Any) -> list[ExampleRow]:
        """Return a few rows with both answers."""

    def notes(self, base: Any, tuned: Any) -> list[str]:
        """Return what a reader of the numbers has to know."""

    def settings(self) -> dict[str, Any]:
        """Return how it was measured, for ``report.json``."""

    def timings(self, measurement: Any) -> dict[str, float]:
        """Return seconds and tokens of one measurement."""
