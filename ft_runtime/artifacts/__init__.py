"""Artifacts: what a run saves, the proof that it loads, and the card that goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ft_runtime.lazy import exports

if TYPE_CHECKING:
    from ft_runtime.artifacts.card import write_card
    from ft_runtime.artifacts.folder import SavedFile
    from ft_runtime.artifacts.probe import LogitCheck
    from ft_runtime.artifacts.save import save_model
    from ft_runtime.artifacts.saved import MergedModel, SavedModel

__all__ = [
    "LogitCheck",
    "MergedModel",
    "SavedFile",
    "SavedModel",
    "save_model",
    "write_card",
]

__getattr__ = exports(
    __name__,
    {
        "LogitCheck": "probe",
        "MergedModel": "saved",
        "SavedFile": "folder",
        "SavedModel": "saved",
        "save_model": "save",
        "write_card": "card",
    },
)
