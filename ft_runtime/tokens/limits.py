"""When too many rows are lost: the finding that stops the run before training, with its remedy."""

from __future__ import annotations

from collections.abc import Mapping

from ft_runtime.findings import Finding, finding, text
from ft_runtime.tokens.cut import Turns, length_that_keeps
from ft_runtime.tokens.ledger import LOST, Ledger


def too_many_lost(
    ledger: Ledger,
    turns: Mapping[int, Turns],
    allowed: float,
    limit: int,
    ceiling: int | None = None,
) -> Finding | None:
    """Return the finding that stops the run before training, or None.

    Parameters
    ----------
    ledger : Ledger
    turns : mapping of int to sequence of (int, int)
        Supervised tokens of every row that could be encoded, whole.
    allowed : float
        ``dataset.max_lost_fraction``.
    limit : int
        The maximum length in use, in tokens.
    ceiling : int, optional
        What the model takes at most, in tokens.
    """
    if ledger.lost_fraction <= allowed:
        return None
    counts = ledger.counts()
    lost = sum(counts[state] for state in LOST)
    # The number of rows that may be lost, by the comparison that the check makes.
    budget = max(n for n in range(lost + 1) if n / ledger.rows <= allowed)
    others = sum(e.state in LOST and e.row not in turns for e in ledger.entries)
    length = length_that_keeps(turns.values(), limit, budget - others)
    if length is None:
        remedy = text("tokens.remedy_rows")
    elif ceiling is not None and length > ceiling:
        remedy = text("tokens.remedy_shorter", length=length, ceiling=ceiling)
    else:
        remedy = text("tokens.remedy_length", length=length)
    return finding(
        "tokens.too_many_lost",
        "dataset.max_lost_fraction",
        lost=lost,
        rows=ledger.rows,
        percent=f"{100 * ledger.lost_fraction:.1f}",
        allowed=f"{100 * allowed:g}",
        reasons=", ".join(f"{code} {count}" for code, count in ledger.reasons().items()),
        remedy=remedy,
    )
