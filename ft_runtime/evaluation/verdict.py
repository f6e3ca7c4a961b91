"""From two values and an interval to a row of the report, and what may be said of it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ft_runtime.evaluation.bootstrap import (
    CONFIDENCE,
    MINIMUM_ROWS_FOR_VERDICT,
    Statistic,
    paired_interval,
)
from ft_runtime.findings import text

Verdict = Literal[
    "better",
    "worse",
    "no detectable difference",
    "too few rows to tell",
    "not defined",
]
_SENTENCES: dict[str, str] = {
    "better": "evaluation.verdict_better",
    "worse": "evaluation.verdict_worse",
    "no detectable difference": "evaluation.verdict_none",
    "too few rows to tell": "evaluation.verdict_few",
    "not defined": "evaluation.verdict_undefined",
}


@dataclass(frozen=True)
class MetricRow:
    """One metric of base and tuned.

    Attributes
    ----------
    name : str
        Metric.
    base, tuned : float or None
        Values over all n rows; None when the value is not a finite number.
    difference : float or None
        Tuned minus base.
    interval : (float, float) or None
        95 % paired bootstrap interval of the difference; None below two rows.
    n : int
        Rows that entered both values.
    higher_is_better : bool
        Direction of improvement.
    signature : str
        How the number was computed.
    verdict : str
        One of the five `Verdict` codes, the same in every language.
    baseline : float or None
        What the majority class alone would score (classification).
    """

    name: str
    base: float | None
    tuned: float | None
    difference: float | None
    interval: tuple[float, float] | None
    n: int
    higher_is_better: bool
    signature: str
    verdict: Verdict
    baseline: float | None = None

    @property
    def verdict_text(self) -> str:
        """The verdict in the user's language."""
        return text(_SENTENCES[self.verdict])

    @property
    def sentence(self) -> str:
        """The whole row as one sentence in the user's language."""
        if self.difference is None:
            return text("evaluation.sentence_undefined", name=self.name, n=self.n)
        values = {
            "name": self.name,
            "base": number(self.base),
            "tuned": number(self.tuned),
            "difference": signed(self.difference),
            "n": self.n,
            "verdict": self.verdict_text,
        }
        if self.interval is None:
            return text("evaluation.sentence_without_interval", **values)
        low, high = (signed(end) for end in self.interval)
        return text("evaluation.sentence", low=low, high=high, **values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for ``report.json``."""
        return {**asdict(self), "interval": list(self.interval) if self.interval else None}


def metric_row(statistic: Statistic, samples: int, seed: int) -> MetricRow:
    """Compute both values, the interval and the verdict of one metric.

    Parameters
    ----------
    statistic : Statistic
        Both models on the same rows.
    samples : int
        Bootstrap resamples.
    seed : int
        Seed of the resamples.
    """
    base, tuned = statistic.values() if statistic.n else (math.nan, math.nan)
    finite = math.isfinite(base) and math.isfinite(tuned)
    interval = paired_interval(statistic, samples, seed) if finite else None
    return MetricRow(
        name=statistic.name,
        base=base if math.isfinite(base) else None,
        tuned=tuned if math.isfinite(tuned) else None,
        difference=tuned - base if finite else None,
        interval=interval,
        n=statistic.n,
        higher_is_better=statistic.higher_is_better,
        signature=statistic.signature,
        verdict=_verdict(finite, interval, statistic),
        baseline=statistic.baseline,
    )


def _verdict(finite: bool, interval: tuple[float, float] | None, statistic: Statistic) -> Verdict:
    if not finite:
        return "not defined"
    if interval is None or statistic.n < MINIMUM_ROWS_FOR_VERDICT:
        return "too few rows to tell"
    low, high = interval
    if low <= 0.0 <= high:
        return "no detectable difference"
    return "better" if (low > 0.0) == statistic.higher_is_better else "worse"


def number(value: float | None) -> str:
    """Return `value` with four significant digits, a dash for None."""
    return "–" if value is None else f"{value:.4g}"


def signed(value: float | None) -> str:
    """Return `value` with its sign and three significant digits, a dash for None."""
    if value is None:
        return "–"
    return "0" if value == 0 else f"{value:+.3g}"


def percent() -> str:
    """Return the level of the intervals, such as ``95 %``."""
    return f"{CONFIDENCE:.0%}".replace("%", " %")
