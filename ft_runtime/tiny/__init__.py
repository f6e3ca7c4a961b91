"""Small local models, built here in seconds: a demo and a test need no download."""

from __future__ import annotations

from ft_runtime.tiny.build import build_tiny_model

__all__ = ["build_tiny_model"]
