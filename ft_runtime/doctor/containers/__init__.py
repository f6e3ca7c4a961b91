"""Every container as plain JSON Lines or CSV, so that one set of checks reads them all."""

from __future__ import annotations

from ft_runtime.doctor.containers.plain import Plain, plain

__all__ = ["Plain", "plain"]
