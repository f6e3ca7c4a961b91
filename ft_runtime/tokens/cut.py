"""Labels of a row, and the cut to the maximum length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ft_runtime.tokens.ledger import State
from ft_runtime.tokens.prepared import IGNORED

Turns = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Cut:
    """A row after the cut.

    Attributes
    ----------
    state : {"whole", "truncated", "lost_end", "dropped"}
    ids : list of int
        Empty for a dropped row.
    learned : sequence of (int, int)
        Supervised tokens among them, ``[start, end)``.
    tokens_cut : int
        How many of the row's tokens are not in use.
    code : str
        Reason, empty for a whole row.
    """

    state: State
    ids: list[int] = field(default_factory=list)
    learned: Turns = ()
    tokens_cut: int = 0
    code: str = ""

    @property
    def labels(self) -> list[int]:
        """The tokens that the loss looks at, and `IGNORED` for the others."""
        labels = [IGNORED] * len(self.ids)
        for start, stop in self.learned:
            labels[start:stop] = self.ids[start:stop]
        return labels

    @property
    def supervised(self) -> int:
        """Tokens that the loss looks at."""
        return sum(stop - start for start, stop in self.learned)


def cut_row(ids: list[int], turns: Turns, limit: int) -> Cut:
    """Label the tokens of a row and keep the first `limit` of them.

    Parameters
    ----------
    ids : list of int
        The whole row.
    turns : sequence of (int, int)
        Supervised tokens ``[start, end)``, the end token included; in order, without overlap.
    limit : int
        Maximum length in tokens.

    Returns
    -------
    Cut
        A row of which nothing or everything is supervised is dropped, and so is one that has
        nothing left to learn after the cut.
    """
    supervised = sum(stop - start for start, stop in turns)
    if supervised == 0:
        return Cut("dropped", tokens_cut=len(ids), code="tokens.nothing_supervised")
    if supervised == len(ids):
        return Cut("dropped", tokens_cut=len(ids), code="tokens.all_supervised")
    if len(ids) <= limit:
        return Cut("whole", ids, turns)
    if all(start >= limit or start == stop for start, stop in turns):
        return Cut("dropped", tokens_cut=len(ids), code="tokens.cut_away")
    through = any(start < limit < stop for start, stop in turns)
    return Cut(
        state="lost_end" if through else "truncated",
        ids=ids[:limit],
        learned=[(start, min(stop, limit)) for start, stop in turns if start < limit],
        tokens_cut=len(ids) - limit,
        code="tokens.lost_end" if through else "tokens.truncated",
    )


def length_that_keeps(rows: Iterable[Turns], limit: int, budget: int) -> int | None:
    """Return the smallest maximum length above `limit` at which at most `budget` rows are lost.

    A row is lost while the cut leaves no answer, and wherever it goes through one.

    Parameters
    ----------
    rows : iterable of sequence of (int, int)
        Supervised tokens of each row, as in `cut_row`.
    limit : int
        The present maximum length.
    budget : int
        How many rows may be lost.

    Returns
    -------
    int or None
        None when `budget` is negative.
    """
    if budget < 0:
        return None
    changes: dict[int, int] = {}
    for turns in rows:
        spans = [(start, stop) for start, stop in turns if start < stop]
        for number, (start, stop) in enumerate(spans):
            bad_from = start + 1 if number else 0
            if bad_from < stop:
                changes[bad_from] = changes.get(bad_from, 0) + 1
                changes[stop] = changes.get(stop, 0) - 1
    lost = 0
    for length in sorted(changes):
        lost += changes[length]
        if length > limit and lost <= budget:
            return length
    return limit
