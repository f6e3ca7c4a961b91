"""What the tests of this room share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ft_runtime import findings
from ft_runtime.findings import Finding


@pytest.fixture
def told() -> Iterator[list[Finding]]:
    """Findings that were shown while the test ran."""
    found: list[Finding] = []
    with findings.subscribed(found.append):
        yield found
