"""Perplexity of the supervised tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ft_runtime.evaluation.bootstrap import Statistic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIGNATURE = "exp(sum of NLL / number of supervised tokens)|over:all rows, token-weighted|nats"


def perplexity(
    base: NDArray[np.float64], tuned: NDArray[np.float64], tokens: NDArray[np.float64]
) -> Statistic:
    """Token-weighted perplexity; rows without a supervised token are left out.

    Parameters
    ----------
    base, tuned : ndarray, shape (n,)
        Summed negative log-likelihood of each row's supervised tokens, in nats.
    tokens : ndarray, shape (n,)
        Number of supervised tokens that have a prediction.
    """
    import numpy as np

    counted = tokens > 0
    weights = tokens[counted]
    return Statistic(
        name="perplexity",
        higher_is_better=False,
        signature=SIGNATURE,
        base=np.stack([base[counted], weights], axis=-1),
        tuned=np.stack([tuned[counted], weights], axis=-1),
        aggregate=_exp_of_mean,
    )


def _exp_of_mean(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.exp(sums[..., 0] / sums[..., 1])
