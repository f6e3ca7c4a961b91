from __future__ import annotations

import pytest

from support.kernels import TIERS, use


@pytest.fixture(scope="module", params=TIERS)
def tier(request):
    """Each tier in turn, for the tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        use(request.param, patch)
        yield request.param
