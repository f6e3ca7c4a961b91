"""The examples of hypothesis: the same in every run of the tests, others with ``make search``."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers


def settle() -> None:
    """Register the profiles ``suite`` and ``search``, and load the first."""
    # Not of the profile that hypothesis picks where a variable says CI. And how long an example
    # takes to be made or tried tells of the machine's load.
    alike: dict[str, Any] = {
        "parent": settings.get_profile("default"),
        "deadline": None,
        "suppress_health_check": [HealthCheck.too_slow],
        "print_blob": True,
    }
    settings.register_profile("suite", **alike, derandomize=True, database=None)
    settings.register_profile("search", **alike)
    settings.load_profile("suite")
    # Hypothesis takes some values from the sources of what is imported by then, which hangs on the
    # tests that this process has run before: how many processes there are, and in which order.
    of_sources = getattr(providers, "_get_local_constants", None)
    if of_sources is not None:  # a release that has it not: test_hypothesis_profiles then tells
        none = providers.Constants()
        providers._get_local_constants = lambda: (
            none if settings.default.derandomize else of_sources()
        )
