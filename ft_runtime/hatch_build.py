"""Put the schema, which lives once at the top of the repository, into the wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NAME = "schemas/config.schema.json"


class SchemaHook(BuildHookInterface):
    """Add the schema to standard wheels; an editable install reads the live file."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the schema's file: beside the package, or inside it in a source archive."""
        if version == "editable":
            return
        root = Path(self.root)
        source = next(path for path in (root / _NAME, root.parent / _NAME) if path.is_file())
        build_data["force_include"][str(source)] = _NAME
