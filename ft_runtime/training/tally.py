"""What a training took so far: time and tokens, over all its sittings."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ft_runtime import processes


class Tally:
    """Counts while training runs; kept in each checkpoint, so that a resumed run counts on."""

    def __init__(self) -> None:
        self.begin({})

    def begin(self, earlier: Mapping[str, Any]) -> None:
        """Start a sitting on top of what `to_dict` of a checkpoint said."""
        if not processes.is_main():
            earlier = {}
        self._seconds = float(earlier.get("seconds", 0.0))
        self._tokens = int(earlier.get("tokens", 0))
        self._supervised = int(earlier.get("supervised_tokens", 0))
        self._since = time.monotonic()

    def add(self, tokens: int, supervised: int) -> None:
        """Count a micro-batch: tokens without padding, and those that the loss is taken on."""
        self._tokens += tokens
        self._supervised += supervised

    def total(self) -> dict[str, Any]:
        """Return what `to_dict` does, over all processes; every one of them has to ask."""
        found = processes.gather(self.to_dict())
        summed = {name: sum(part[name] for part in found) for name in found[0]}
        return {**summed, "seconds": max(part["seconds"] for part in found)}

    def to_dict(self) -> dict[str, Any]:
        """Return seconds, tokens and supervised tokens of this process up to now."""
        return {
            "seconds": round(self._seconds + time.monotonic() - self._since, 3),
            "tokens": int(self._tokens),
            "supervised_tokens": int(self._supervised),
        }
