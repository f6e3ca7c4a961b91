"""From rows to token ids: rendering, loss masks, truncation, the ledger, batches."""

from __future__ import annotations

from ft_runtime.tokens.collate import (
    CausalCollator,
    LabelCollator,
    PackedCollator,
    collator_for,
)
from ft_runtime.tokens.encode import encode_prompt
from ft_runtime.tokens.ledger import Entry, Ledger
from ft_runtime.tokens.packing import check_packing
from ft_runtime.tokens.prepare import prepare_data
from ft_runtime.tokens.prepared import Example, PreparedData
from ft_runtime.tokens.preview import RenderedExample, show_example
from ft_runtime.tokens.template import PLAIN_CHAT_TEMPLATE

__all__ = [
    "PLAIN_CHAT_TEMPLATE",
    "CausalCollator",
    "Entry",
    "Example",
    "LabelCollator",
    "Ledger",
    "PackedCollator",
    "PreparedData",
    "RenderedExample",
    "check_packing",
    "collator_for",
    "encode_prompt",
    "prepare_data",
    "show_example",
]
