"""How much memory and time a run takes, computed from the model's config alone."""

from __future__ import annotations
