"""What can be known of a model without loading it: from the hub, or from its folder."""

from __future__ import annotations

from jupyter_ft.services.models.check import check_model
from jupyter_ft.services.models.hub import HubClient

__all__ = ["HubClient", "check_model"]
