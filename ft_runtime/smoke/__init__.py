"""The smoke test: a toy of the configured model is trained, and must prove that it learned."""

from __future__ import annotations

from ft_runtime.smoke.proofs import Proof
from ft_runtime.smoke.result import SmokeResult
from ft_runtime.smoke.run import smoke_test

__all__ = ["Proof", "SmokeResult", "smoke_test"]
