"""The config: one document that says everything about a fine-tuning run."""

from __future__ import annotations

from ft_runtime.config.check import check_config, load_config
from ft_runtime.config.model import Config
from ft_runtime.config.overrides import apply_overrides
from ft_runtime.config.read import parse_text, read_document
from ft_runtime.config.schema import load_schema, schema_path

__all__ = [
    "Config",
    "apply_overrides",
    "check_config",
    "load_config",
    "load_schema",
    "parse_text",
    "read_document",
    "schema_path",
]
