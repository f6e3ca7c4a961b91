"""Prompt and completion: a text, and the text that must follow it."""

from __future__ import annotations

from ft_runtime.data.formats.base import Format

FORMAT = Format(
    name="jsonl_prompt",
    required=("prompt", "completion"),
    optional=(),
    fields=dict,
    prompt=lambda fields: fields["prompt"],
)
