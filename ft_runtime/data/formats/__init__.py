"""The data formats, one a file."""

from __future__ import annotations

from ft_runtime.data.formats import chat, classification, instruction, prompt
from ft_runtime.data.formats.base import Format

__all__ = ["FORMATS", "Format"]

FORMATS: dict[str, Format] = {
    item.name: item
    for item in (chat.FORMAT, instruction.FORMAT, prompt.FORMAT, classification.FORMAT)
}
