"""The parts of a dataset: what is trained on, and what is held out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from ft_runtime.data.rows import Row
from ft_runtime.findings import Finding


@dataclass
class Splits:
    """Usable rows in three parts; every usable row is in exactly one of them.

    Attributes
    ----------
    train, val, test : list of Row
        In file order; ``val`` and ``test`` may be empty.
    strategy : str
        ``random``, ``stratified`` or ``tail``; ``given`` when the data came split.
    seed : int or None
        None where chance had no part.
    findings : list of Finding
        Warnings and notes about the split.
    """

    train: list[Row]
    val: list[Row]
    test: list[Row]
    strategy: str
    seed: int | None = None
    findings: list[Finding] = field(default_factory=list)

    def by_name(self) -> dict[str, list[Row]]:
        """Return the parts under ``train``, ``val``, ``test``."""
        return {"train": self.train, "val": self.val, "test": self.test}

    @property
    def held_out(self) -> list[Row]:
        """Validation and test rows."""
        return self.val + self.test

    @property
    def sha256(self) -> str:
        """SHA-256 over the row numbers of each part: equal sums, equal splits."""
        numbers = {name: [row.number for row in rows] for name, rows in self.by_name().items()}
        return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode("ascii")).hexdigest()

    def __repr__(self) -> str:
        from ft_runtime.data.show import splits_text

        return splits_text(self)
