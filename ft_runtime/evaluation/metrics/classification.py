"""Accuracy and macro F1 of predicted labels, beside what the majority class alone would score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ft_runtime.evaluation.bootstrap import Statistic
from ft_runtime.evaluation.metrics.mean import as_sums, mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def accuracy(
    references: Sequence[int], base: Sequence[int], tuned: Sequence[int], majority: int
) -> Statistic:
    """Share of rows, 0 to 1, whose predicted label is the reference.

    Parameters
    ----------
    references, base, tuned : sequence of int, length n
        Label ids.
    majority : int
        The most frequent label of the training rows; always answering it is the baseline.
    """
    from sklearn.metrics import accuracy_score

    def hits(answers: Sequence[int]) -> list[float]:
        return [float(a == r) for a, r in zip(answers, references, strict=True)]

    return Statistic(
        name="accuracy",
        higher_is_better=True,
        signature=_signature("accuracy_score"),
        base=as_sums(hits(base)),
        tuned=as_sums(hits(tuned)),
        aggregate=mean,
        baseline=float(accuracy_score(list(references), [majority] * len(references))),
    )


def macro_f1(
    references: Sequence[int], base: Sequence[int], tuned: Sequence[int], majority: int, labels: int
) -> Statistic:
    """Mean of the F1 of each class that occurs in the held-out references, 0 to 1.

    Classes that only a prediction names are left out of the mean (such a prediction already costs
    the recall of the true class), so that both models are averaged over the same classes.

    Parameters
    ----------
    references, base, tuned : sequence of int, length n
        Label ids.
    majority : int
        The most frequent label of the training rows.
    labels : int
        Number of labels that the model knows.
    """
    from sklearn.metrics import f1_score

    present = sorted(set(references))
    baseline = f1_score(
        list(references),
        [majority] * len(references),
        labels=present,
        average="macro",
        zero_division=0,
    )
    return Statistic(
        name="f1",
        higher_is_better=True,
        signature=_signature("f1_score|average:macro|labels:in references|zero_division:0"),
        base=_confusion(references, base, labels),
        tuned=_confusion(references, tuned, labels),
        aggregate=_macro_f1,
        baseline=float(baseline),
    )


def _confusion(
    references: Sequence[int], answers: Sequence[int], labels: int
) -> NDArray[np.float64]:
    """Return one-hot hits, predictions and references of each row, shape (n, 3 * labels)."""
    import numpy as np

    eye = np.eye(labels)
    wanted = eye[np.asarray(references, dtype=np.int64)]
    given = eye[np.asarray(answers, dtype=np.int64)]
    return np.concatenate([wanted * given, given, wanted], axis=-1)


def _macro_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Macro F1 from summed hits, predictions and references, shape (..., 3 * labels) -> (...)."""
    import numpy as np

    hits, given, wanted = np.split(sums, 3, axis=-1)
    each = np.divide(2 * hits, given + wanted, out=np.zeros_like(hits), where=wanted > 0)
    return each.sum(axis=-1) / (wanted > 0).sum(axis=-1)


def _signature(what: str) -> str:
    from importlib.metadata import version

    return f"sklearn.metrics.{what}|version:{version('scikit-learn')}"
