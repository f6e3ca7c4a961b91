"""Exact match: the share of answers that equal their reference after a stated normalisation."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ft_runtime.evaluation.bootstrap import Statistic
from ft_runtime.evaluation.metrics.mean import as_sums, mean

SIGNATURE = "normalise:NFKC+strip+collapse whitespace|case:kept"


def normalise(text: str) -> str:
    """Return `text` in NFKC, without outer space, every run of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def exact_match(references: Sequence[str], base: Sequence[str], tuned: Sequence[str]) -> Statistic:
    """Share of answers, 0 to 1, that equal the reference after `normalise`.

    Parameters
    ----------
    references, base, tuned : sequence of str, length n
        The wanted answers and those of the two models.
    """
    wanted = [normalise(text) for text in references]

    def scores(answers: Sequence[str]) -> list[float]:
        return [float(normalise(a) == w) for a, w in zip(answers, wanted, strict=True)]

    return Statistic(
        name="exact_match",
        higher_is_better=True,
        signature=SIGNATURE,
        base=as_sums(scores(base)),
        tuned=as_sums(scores(tuned)),
        aggregate=mean,
    )
