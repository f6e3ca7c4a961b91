"""Evaluation: base and tuned on the same held-out rows, and what the difference is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ft_runtime.lazy import exports

if TYPE_CHECKING:
    from ft_runtime.evaluation.compare import evaluate
    from ft_runtime.evaluation.demonstration import Demonstration, demonstrate
    from ft_runtime.evaluation.report import EvaluationReport, ExampleRow
    from ft_runtime.evaluation.verdict import MetricRow

__all__ = [
    "Demonstration",
    "EvaluationReport",
    "ExampleRow",
    "MetricRow",
    "demonstrate",
    "evaluate",
]

__getattr__ = exports(
    __name__,
    {
        "Demonstration": "demonstration",
        "EvaluationReport": "report",
        "ExampleRow": "report",
        "MetricRow": "verdict",
        "demonstrate": "demonstration",
        "evaluate": "compare",
    },
)
