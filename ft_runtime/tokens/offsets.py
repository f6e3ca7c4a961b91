"""Where tokens stand in their text, asked for a few places and never listed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Encoding

Span = tuple[int, int]


class Offsets:
    """Offsets of tokens as a list: character spans ``[start, end)`` in order of their starts."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, token: int) -> Span:
        return self._spans[token]

    def first_from(self, place: int) -> int:
        """Return the first token that starts at or behind a place; their number if none does."""
        return bisect_left(self._spans, (place,))


class EncodingOffsets(Offsets):
    """Offsets that stay in the tokenizer's own memory.

    As a list they would be three Python objects a token, most of the time and memory of a
    preparation, for the sake of two places a turn.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    def __len__(self) -> int:
        return len(self._encoding)

    def __getitem__(self, token: int) -> Span:
        return self._encoding.token_to_chars(token)  # type: ignore[return-value]

    def first_from(self, place: int) -> int:
        """Return the first token that starts at or behind a place; their number if none does."""
        token = self._encoding.char_to_token(place)
        if token is None:  # behind the text, or in a gap that trimming leaves
            count = len(self)
            if not count or self[count - 1][0] < place:
                return count
        elif self[token][0] == place and (not token or self[token - 1][0] < place):
            return token
        return bisect_left(self._encoding.offsets, (place,))
