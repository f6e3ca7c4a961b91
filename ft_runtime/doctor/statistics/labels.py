"""The table of labels, and how far from even it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ft_runtime.data.places import quoted
from ft_runtime.findings import Finding, finding

FEW = 5
IMBALANCE = 20.0
"""How many times larger the largest class may be than the smallest before it is said."""


@dataclass(frozen=True)
class LabelTable:
    """Labels, the commonest first.

    Attributes
    ----------
    counts : dict of str to int
    ratio : float
        Largest class over smallest; 1 for no or one class.
    evenness : float
        Shannon entropy over its maximum, log of the number of classes: 1 is even, 0 is one class.
    """

    counts: dict[str, int]
    ratio: float
    evenness: float

    @property
    def total(self) -> int:
        """Labelled rows."""
        return sum(self.counts.values())

    @property
    def majority(self) -> float:
        """Share of the largest class: the accuracy of always guessing it."""
        return max(self.counts.values(), default=0) / max(1, self.total)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {
            "counts": self.counts,
            "ratio": round(self.ratio, 2),
            "evenness": round(self.evenness, 4),
            "majority": round(self.majority, 4),
        }


def label_table(counts: Mapping[str, int]) -> LabelTable:
    """Return the table of some labels."""
    ordered = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    total = sum(ordered.values())
    if len(ordered) < 2:
        return LabelTable(ordered, 1.0, 0.0)
    shares = [count / total for count in ordered.values() if count]
    entropy = -sum(share * math.log(share) for share in shares)
    ratio = max(ordered.values()) / max(1, min(ordered.values()))
    return LabelTable(ordered, ratio, entropy / math.log(len(ordered)))


def judge_labels(table: LabelTable, where: str) -> list[Finding]:
    """Tell of classes that are much larger than others, or too small to be learned and tested."""
    found = []
    if len(table.counts) > 1 and table.ratio >= IMBALANCE:
        names = list(table.counts)
        found.append(
            finding(
                "data.imbalance",
                where,
                ratio=round(table.ratio),
                largest=quoted(names[:1]),
                smallest=quoted(names[-1:]),
                most=table.counts[names[0]],
                least=table.counts[names[-1]],
                majority=round(100 * table.majority),
            )
        )
    few = [label for label, count in table.counts.items() if count < FEW]
    if few and len(table.counts) > 1 and table.total >= FEW * len(table.counts):
        found.append(
            finding(
                "data.small_classes",
                where,
                count=len(few),
                few=FEW,
                labels=quoted(sorted(few)),
            )
        )
    return found
