"""From rendered text to token ids, and from places in the text to places among the tokens.

A text is encoded once, whole. Only where a token would straddle the place at which the model takes
over is the text encoded in two pieces there, as inference does: it encodes the prompt alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ft_runtime.tokens.mask import Rendered
from ft_runtime.tokens.offsets import EncodingOffsets, Offsets, Span

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.tokens.prepared import Example

# What may stand before a piece while it is encoded, so that no tokenizer takes it for the start of
# a text (and adds a space); it is taken off again.
_ANCHORS = ("", "\n", "a")

Tokens = tuple[list[int], "Offsets | None"]


@dataclass(frozen=True)
class Encoded:
    """One row as token ids.

    Attributes
    ----------
    ids : list of int
    turns : list of (int, int)
        Supervised tokens, ``[start, end)`` of each assistant turn.
    cut : bool
        The text was encoded in pieces, because a token straddled the border of an answer.
    blurred : bool
        A token straddles the start of an answer and cannot be cut: it is not learned.
    """

    ids: list[int]
    turns: list[tuple[int, int]]
    cut: bool = False
    blurred: bool = False


class Encoder:
    """Encodes rendered rows with one tokenizer.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        Fast (with offsets) or slow.
    control : frozenset of int
        Control tokens. One may swallow the white space behind it; nothing straddles there.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, control: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self._control = control
        self._begin = frame(tokenizer)[0]

    def tokens(self, rows: Sequence[Rendered]) -> list[Tokens]:
        """Return the texts of rows as the tokenizer has them; may run in another thread."""
        return _encode(self._tokenizer, [row.text for row in rows])

    def place(self, rows: Sequence[Rendered], tokens: Sequence[Tokens]) -> Iterator[Encoded]:
        """Yield the rows encoded, in order, given their `tokens`."""
        for row, (ids, offsets) in zip(rows, tokens, strict=True):
            yield self._complete(row, self._place(row, ids, offsets))

    def encode(self, rows: Sequence[Rendered]) -> Iterator[Encoded]:
        """Yield the rows encoded, in order; all are handed to the tokenizer at once."""
        return self.place(rows, self.tokens(rows))

    def _place(self, row: Rendered, ids: list[int], offsets: Offsets | None) -> Encoded:
        borders = [border for turn in row.turns for border in (turn.start, turn.end)]
        found = set(borders) if offsets is None else self._straddled(row, ids, offsets)
        cuts = sorted(place for place in found if 0 < place < len(row.text))
        if offsets is not None and not cuts:
            return Encoded(ids, _ranges(borders, offsets))
        for anchor in _ANCHORS:
            joined = self._in_pieces(row.text, cuts, anchor)
            if joined is None or not self._same(joined[0], ids):
                continue
            together, counts, moved = joined
            turns = _ranges(borders, moved, {**counts, len(row.text): len(together)})
            return Encoded(together, turns, cut=together != ids)
        # Without offsets and without exact pieces the places are unknown: nothing is learned.
        turns = _ranges(borders, offsets) if offsets is not None else [(0, 0)] * len(row.turns)
        return Encoded(ids, turns, blurred=True)

    def _straddled(self, row: Rendered, ids: list[int], offsets: Offsets) -> set[int]:
        """Return the borders of answers that a token may straddle."""
        found = set()
        for turn in row.turns:
            before = offsets.first_from(turn.start) - 1
            # A tokenizer that trims its offsets leaves a gap, which belongs to the token behind it.
            if before >= 0 and offsets[before][1] != turn.start:
                found |= set() if ids[before] in self._control else {turn.start}
            last = offsets.first_from(turn.end) - 1
            if last >= 0 and offsets[last][1] > turn.end:
                found |= set() if ids[last] in self._control else {turn.end}
        return found

    def _in_pieces(
        self, text: str, cuts: list[int], anchor: str
    ) -> tuple[list[int], dict[int, int], Offsets] | None:
        """Encode the pieces between `cuts`: ids, tokens before each cut, offsets in `text`."""
        joined: list[int] = []
        moved: list[Span] = []
        counts: dict[int, int] = {}
        for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True):
            counts[start] = len(joined)
            piece = _after_anchor(self._tokenizer, anchor if start else "", text[start:stop])
            if piece is None:
                return None
            joined += piece[0]
            offsets = piece[1]
            spans = [] if offsets is None else [offsets[i] for i in range(len(offsets))]
            moved += [(begin + start, end + start) for begin, end in spans]
        return joined, counts, Offsets(moved)

    def _same(self, pieces: list[int], whole: list[int]) -> bool:
        return pieces == whole or _decode(self._tokenizer, pieces) == _decode(
            self._tokenizer, whole
        )

    def _complete(self, row: Rendered, encoded: Encoded) -> Encoded:
        """Put the begin token before and the end token behind, where the row wants them, once."""
        ids, turns = encoded.ids, encoded.turns
        end = self._tokenizer.eos_token_id
        if row.append_end and end is not None:
            ids = ids if ids[-1:] == [end] else [*ids, end]
            turns = [*turns[:-1], (turns[-1][0], len(ids))]
        if row.begin and (shift := len(self._begin)) and ids[:shift] != self._begin:
            ids = [*self._begin, *ids]
            turns = [(start + shift, stop + shift) for start, stop in turns]
        same = ids is encoded.ids and turns is encoded.turns
        return encoded if same else replace(encoded, ids=ids, turns=turns)


def encode_prompt(tokenizer: PreTrainedTokenizerBase, example: Example) -> list[int]:
    """Return the token ids that generation starts from, as training saw them.

    A rendered chat brings its own control tokens; a raw prompt gets the tokenizer's begin token,
    once, and never the end token that some tokenizers add by themselves.

    Raises
    ------
    ValueError
        When the example has no prompt (classification).
    """
    if example.prompt is None:
        raise ValueError("a classification row has no prompt to continue")
    ids = _encode(tokenizer, [example.prompt])[0][0]
    begin = frame(tokenizer)[0] if example.messages is None else []
    return ids if ids[: len(begin)] == begin else [*begin, *ids]


def frame(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Return the ids that the tokenizer puts before and behind a text by default."""
    bare = _ids(tokenizer, "a", special=False)
    framed = _ids(tokenizer, "a", special=True)
    for start in range(len(framed) - len(bare) + 1):
        if framed[start : start + len(bare)] == bare:
            return framed[:start], framed[start + len(bare) :]
    return [], []


def _ids(tokenizer: PreTrainedTokenizerBase, text: str, special: bool) -> list[int]:
    return list(tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"])


def _encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[Tokens]:
    """Encode texts as they stand, with offsets if the tokenizer knows them."""
    if not texts:
        return []
    found: Any = tokenizer(
        list(texts),
        add_special_tokens=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    if tokenizer.is_fast:
        offsets = map(EncodingOffsets, found.encodings)
        return list(zip(found["input_ids"], offsets, strict=True))
    return [(list(ids), None) for ids in found["input_ids"]]


def _after_anchor(tokenizer: PreTrainedTokenizerBase, anchor: str, text: str) -> Tokens | None:
    """Encode `text` as if `anchor` stood before it; None when a token would hold both."""
    ids, offsets = _encode(tokenizer, [anchor + text])[0]
    if not anchor:
        return ids, offsets
    lead = _encode(tokenizer, [anchor])[0][0]
    if ids[: len(lead)] != lead:
        return None
    if offsets is None:
        return ids[len(lead) :], None
    spans = [offsets[token] for token in range(len(lead), len(offsets))]
    moved = [(max(start - len(anchor), 0), max(end - len(anchor), 0)) for start, end in spans]
    return ids[len(lead) :], Offsets(moved)


def _ranges(
    borders: list[int], offsets: Offsets, counts: dict[int, int] | None = None
) -> list[tuple[int, int]]:
    """Turn borders in the text, in pairs, into borders among the tokens."""
    known = counts or {}
    places = [
        known[border] if border in known else offsets.first_from(border) for border in borders
    ]
    return list(zip(places[0::2], places[1::2], strict=True))


def _decode(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
