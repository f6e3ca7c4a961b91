"""What changed between two versions of a dataset: rows added, removed, edited."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.identity.record import Record
from ft_runtime.findings import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEEP = 20


@dataclass
class Diff:
    """Two versions compared, as sets of rows with repetitions.

    Attributes
    ----------
    same : bool
        Both have the same rows, in whatever order.
    kept, added, removed, edited : int
        ``kept + added + edited`` are the usable rows of the new version,
        ``kept + removed + edited`` those of the old one. An edited row has its prompt or its answer
        as before, and the other changed.
    examples : dict of str to list
        Places of the first added and removed rows; (old, new) pairs of edited ones.
    """

    same: bool
    kept: int = 0
    added: int = 0
    removed: int = 0
    edited: int = 0
    examples: dict[str, list[Any]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return dict(vars(self))

    def __repr__(self) -> str:
        if self.same:
            return text("doctor_report.diff_same", kept=self.kept)
        lines = [
            text(
                "doctor_report.diff",
                kept=self.kept,
                added=self.added,
                removed=self.removed,
                edited=self.edited,
            )
        ]
        for kind in ("added", "removed"):
            if places := self.examples.get(kind):
                word = text(f"doctor_report.diff_{kind}")
                lines.append(f"  {word}: {', '.join(places[:5])}")
        if pairs := self.examples.get("edited"):
            shown = ", ".join(f"{old} → {new}" for old, new in pairs[:5])
            lines.append(f"  {text('doctor_report.diff_edited')}: {shown}")
        return "\n".join(lines)


def diff(old: Record, new: Record) -> Diff:
    """Compare two versions.

    A row of the old version and one of the new are one edited row when they share a prompt; or,
    among the rest, an answer that no other row has.
    """
    gone, come = _surplus(old.content, new.content), _surplus(new.content, old.content)
    pairs = _pairs(old.prompt, gone, new.prompt, come, unique=False)
    gone, come = _without(gone, pairs, 0), _without(come, pairs, 1)
    answers = (old.content - old.prompt, new.content - new.prompt)
    more = _pairs(answers[0], gone, answers[1], come, unique=True)
    gone, come = _without(gone, more, 0), _without(come, more, 1)
    pairs += more
    return Diff(
        same=not (gone.size or come.size or pairs),
        kept=int(new.content.size - come.size - len(pairs)),
        added=int(come.size),
        removed=int(gone.size),
        edited=len(pairs),
        examples={
            "added": [new.place(row) for row in come[:KEEP].tolist()],
            "removed": [old.place(row) for row in gone[:KEEP].tolist()],
            "edited": [(old.place(a), new.place(b)) for a, b in sorted(pairs)[:KEEP]],
        },
    )


def _surplus(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Return the rows of `one` that `other` does not have, or not as many times."""
    import numpy as np

    order = np.argsort(one, kind="stable")
    ordered = one[order]
    fresh = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] + np.uint64(1)) != 0)
    first: NDArray[Any] = np.repeat(fresh, np.diff(fresh, append=ordered.size))
    nth = np.arange(ordered.size) - first  # how many equal rows come before
    there = np.sort(other)
    have = np.searchsorted(there, ordered, "right") - np.searchsorted(there, ordered, "left")
    return np.sort(order[nth >= have])


def _pairs(
    one: NDArray[Any], gone: NDArray[Any], other: NDArray[Any], come: NDArray[Any], unique: bool
) -> list[tuple[int, int]]:
    """Pair rows with equal numbers, in order; with `unique`, only numbers that occur once."""
    waiting: dict[int, deque[int]] = {}
    for row, value in zip(come.tolist(), other[come].tolist(), strict=True):
        waiting.setdefault(value, deque()).append(row)
    leaving: dict[int, int] = {}
    for value in one[gone].tolist():
        leaving[value] = leaving.get(value, 0) + 1
    if unique:
        waiting = {v: rows for v, rows in waiting.items() if len(rows) == 1 and leaving.get(v) == 1}
    pairs = []
    for row, value in zip(gone.tolist(), one[gone].tolist(), strict=True):
        if rows := waiting.get(value):
            pairs.append((row, rows.popleft()))
    return pairs


def _without(rows: NDArray[Any], pairs: list[tuple[int, int]], side: int) -> NDArray[Any]:
    import numpy as np

    return rows[~np.isin(rows, [pair[side] for pair in pairs])] if pairs else rows
