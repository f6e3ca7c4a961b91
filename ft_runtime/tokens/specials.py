"""The control tokens of a tokenizer: they may end a turn, and a user should not write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Specials:
    """Control tokens.

    Attributes
    ----------
    texts : tuple of str
        As they are written, longest first.
    ids : frozenset of int
    pattern : re.Pattern
        Matches any of them; the longest at each place, as the tokenizer does.
    """

    texts: tuple[str, ...]
    ids: frozenset[int]
    pattern: re.Pattern[str]

    def first(self, text: str) -> re.Match[str] | None:
        """Return the first control token in `text`."""
        return self.pattern.search(text)


def specials_of(tokenizer: PreTrainedTokenizerBase) -> Specials:
    """Collect the control tokens of a tokenizer.

    Added tokens that are not special (``<think>``, runs of spaces) are text: models write them.
    """
    named = set(tokenizer.all_special_tokens)
    found = {
        token.content: number
        for number, token in tokenizer.added_tokens_decoder.items()
        if token.special or token.content in named
    }
    # A slow tokenizer may keep its named tokens in the plain vocabulary.
    for name in named - set(found):
        found[name] = tokenizer.convert_tokens_to_ids(name)
    texts = tuple(sorted(found, key=lambda text: (-len(text), text)))
    pattern = re.compile("|".join(map(re.escape, texts)) or "(?!)")
    return Specials(texts, frozenset(found.values()), pattern)
