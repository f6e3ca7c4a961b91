"""What a training took so far: time and tokens, over all its sittings."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


class Tally:
    """Counts while training runs; kept in each checkpoint, so that a resumed run counts on.

    Tokens are kept as tensors on the device and read when asked for: counting waits for no GPU.
    """

    def __init__(self) -> None:
        self.begin({})

    def begin(self, earlier: Mapping[str, Any]) -> None:
        """Start a sitting on top of what `to_dict` of a checkpoint said."""
        self._seconds = float(earlier.get("seconds", 0.0))
        self._tokens: Any = int(earlier.get("tokens", 0))
        self._supervised: Any = int(earlier.get("supervised_tokens", 0))
        self._since = time.monotonic()

    def add(self, batch: Mapping[str, Any]) -> None:
        """Count a batch: tokens without padding, and labels that the loss looks at."""
        mask = batch.get("attention_mask")
        self._tokens = self._tokens + (batch["input_ids"].numel() if mask is None else mask.sum())
        self._supervised = self._supervised + (batch["labels"] != -100).sum()

    def to_dict(self) -> dict[str, Any]:
        """Return seconds, tokens and supervised tokens up to now."""
        return {
            "seconds": round(self._seconds + time.monotonic() - self._since, 3),
            "tokens": int(self._tokens),
            "supervised_tokens": int(self._supervised),
        }
