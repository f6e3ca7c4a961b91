"""The rows as the model's tokenizer sees them, before any training."""

from __future__ import annotations

from ft_runtime.doctor.tokens.check import TokenReport, check_tokens
from ft_runtime.doctor.tokens.draw import DrawnRow, draw

__all__ = ["DrawnRow", "TokenReport", "check_tokens", "draw"]
