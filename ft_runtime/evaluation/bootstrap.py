"""The paired bootstrap: how far the difference between two models could move by chance alone.

Every metric is brought to one form: each row contributes a short vector of sufficient statistics,
and the metric is a function of their sum. A resample is then a weighted sum of rows, and
corpus-level numbers (perplexity, BLEU, macro F1) are aggregated anew for each resample instead of
being averaged over rows, which would be another metric.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Level of every interval in a report."""

MINIMUM_ROWS = 2
"""Below this there is nothing to resample."""

MINIMUM_ROWS_FOR_VERDICT = 6
"""Fewest rows on which a paired difference can be told from chance at 5 %.

With n rows that all move the same way a two-sided sign test gives p = 2 / 2**n: 0.0625 for five
rows, 0.031 for six. A percentile interval of five such rows excludes zero all the same.
"""

_BLOCK = 1 << 22  # weights held at once: 32 MiB


@dataclass(frozen=True)
class Statistic:
    """One metric of two models on the same rows, as sums over rows.

    Attributes
    ----------
    name : str
        Name in the report, such as ``rougeL``.
    higher_is_better : bool
        Direction of improvement.
    signature : str
        All that is needed to compute the same number elsewhere: library, version, options.
    base, tuned : ndarray of float64, shape (n, k)
        Sufficient statistics of each row.
    aggregate : callable
        Maps sums of shape (..., k) to values of shape (...).
    baseline : float, optional
        What an answer without any model would score (majority class).
    """

    name: str
    higher_is_better: bool
    signature: str
    base: NDArray[np.float64]
    tuned: NDArray[np.float64]
    aggregate: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    baseline: float | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.base.shape[0])

    def values(self) -> tuple[float, float]:
        """Return the metric of base and of tuned over all rows; NaN where a row is not finite."""
        return self._value(self.base), self._value(self.tuned)

    def without(self, base: bool = False, tuned: bool = False) -> Statistic:
        """Return the same metric with one side not defined: its model gave no numbers."""
        import numpy as np

        blank = np.full_like(self.base, np.nan)
        return replace(
            self, base=blank if base else self.base, tuned=blank if tuned else self.tuned
        )

    def _value(self, rows: NDArray[np.float64]) -> float:
        sums = rows.sum(axis=0)
        return float(self.aggregate(sums)) if _finite(sums) else float("nan")


def paired_interval(
    statistic: Statistic, samples: int, seed: int, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Interval of tuned minus base by the paired percentile bootstrap.

    Rows are drawn with replacement, the same rows for both models, so that what makes a row hard
    for both cancels out.

    Parameters
    ----------
    statistic : Statistic
        Both models on the same n rows.
    samples : int
        Number of resamples.
    seed : int
        Seed of the `numpy.random.Generator`; the same seed and n give the same resamples to every
        metric.
    confidence : float
        Level of the interval.

    Returns
    -------
    tuple of float, or None
        Lower and upper end; None with fewer than two rows or when a value is not finite.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval);
    Koehn, Statistical Significance Tests for Machine Translation Evaluation, EMNLP 2004 (paired).
    """
    import numpy as np

    n = statistic.n
    if n < MINIMUM_ROWS or not _finite(statistic.base, statistic.tuned):
        return None
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK // n)
    differences = []
    for start in range(0, samples, block):
        weights = _resample_weights(generator, n, min(block, samples - start))
        tuned = statistic.aggregate(weights @ statistic.tuned)
        base = statistic.aggregate(weights @ statistic.base)
        differences.append(tuned - base)
    drawn = np.concatenate(differences)
    if not _finite(drawn):
        return None
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    return float(low), float(high)


def _finite(*arrays: NDArray[np.float64]) -> bool:
    import numpy as np

    return all(bool(np.isfinite(array).all()) for array in arrays)


def _resample_weights(
    generator: np.random.Generator, n: int, resamples: int
) -> NDArray[np.float64]:
    """Return how often each row is drawn in each resample, shape (resamples, n)."""
    import numpy as np

    drawn = generator.integers(0, n, size=(resamples, n))
    drawn += np.arange(resamples)[:, None] * n
    counts = np.bincount(drawn.ravel(), minlength=resamples * n)
    return counts.reshape(resamples, n).astype(np.float64)
