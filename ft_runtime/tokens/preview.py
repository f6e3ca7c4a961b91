"""One example as the model will see it, with what is learned marked."""

from __future__ import annotations

import html
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from ft_runtime.findings import FindingsError, finding, text
from ft_runtime.tokens.prepared import IGNORED, SPLITS, PreparedData

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

OPEN, CLOSE = "⟦", "⟧"
_STYLE = "background:rgba(46,160,67,.28);border-radius:3px;box-shadow:inset 0 -2px rgb(46,160,67)"


@dataclass(frozen=True)
class RenderedExample:
    """A row as the model sees it.

    Attributes
    ----------
    split : str
    row : int
        Number of the row in the dataset, from 1.
    segments : tuple of (str, bool)
        Pieces of the text, and whether the loss looks at them; together, the whole text.
    tokens : int
    supervised_tokens : int
    label : str or None
        Of classification: then the text is read whole, and the label is what is learned.
    """

    split: str
    row: int
    segments: tuple[tuple[str, bool], ...]
    tokens: int
    supervised_tokens: int
    label: str | None = None

    @property
    def text(self) -> str:
        """The text without marks."""
        return "".join(piece for piece, _ in self.segments)

    @property
    def supervised(self) -> tuple[str, ...]:
        """The pieces that the loss looks at."""
        return tuple(piece for piece, learned in self.segments if learned)

    def _summary(self) -> str:
        if self.label is not None:
            return text(
                "tokens.example_class",
                split=self.split,
                row=self.row,
                tokens=self.tokens,
                label=self.label,
            )
        return text(
            "tokens.example",
            split=self.split,
            row=self.row,
            tokens=self.tokens,
            supervised=self.supervised_tokens,
        )

    def __repr__(self) -> str:
        marked = "".join(
            f"{OPEN}{piece}{CLOSE}" if learned else piece for piece, learned in self.segments
        )
        lines = [self._summary()]
        if self.label is None:
            lines.append(text("tokens.example_legend", open=OPEN, close=CLOSE))
        return "\n".join([*lines, "", marked])

    def _repr_html_(self) -> str:
        shown = "".join(
            f'<mark style="color:inherit;{_STYLE}">{visible(piece)}</mark>'
            if learned
            else visible(piece)
            for piece, learned in self.segments
        )
        legend = ""
        if self.label is None:
            words = html.escape(text("tokens.example_legend_html"))
            legend = f'<div><span style="{_STYLE}">&nbsp;&nbsp;&nbsp;</span> {words}</div>'
        return (
            f"<div>{html.escape(self._summary())}</div>{legend}"
            f'<pre style="white-space:pre-wrap">{shown}</pre>'
        )


def show_example(
    data: PreparedData,
    tokenizer: PreTrainedTokenizerBase,
    split: str = "train",
    index: int = 0,
) -> RenderedExample:
    """Show one row as the model sees it, decoded from its token ids, with what is learned marked.

    Parameters
    ----------
    data : PreparedData
    tokenizer : PreTrainedTokenizerBase
        The one that the data was prepared with.
    split : {"train", "val", "test"}
    index : int
        Place in the split, from 0; negative counts from the end.

    Raises
    ------
    FindingsError
        ``tokens.no_such_example``.
    """
    rows = len(data.split(split)) if split in SPLITS else 0
    if not -rows <= index < rows:
        raise FindingsError([finding("tokens.no_such_example", split, index=index, rows=rows)])
    index %= rows
    chosen = data.split(split)[index]
    ids, labels = chosen["input_ids"], chosen["labels"]
    if data.label_names is not None:
        whole = decode(tokenizer, ids)
        label = data.label_names[labels]
        return RenderedExample(split, chosen["row"], ((whole, False),), len(ids), 1, label)
    learned = [label != IGNORED for label in labels]
    return RenderedExample(
        split=split,
        row=chosen["row"],
        segments=tuple(segments_of(tokenizer, ids, learned)),
        tokens=len(ids),
        supervised_tokens=sum(learned),
    )


def segments_of(
    tokenizer: PreTrainedTokenizerBase, ids: list[int], learned: list[bool]
) -> list[tuple[str, bool]]:
    """Decode runs of tokens; each as it reads behind the others, where spaces are not lost."""
    segments = []
    stop, before = 0, ""
    for flag, run in groupby(learned):
        start, stop = stop, stop + len(list(run))
        until = decode(tokenizer, ids[:stop])
        piece = until[len(before) :] if until.startswith(before) else None
        segments.append((decode(tokenizer, ids[start:stop]) if piece is None else piece, flag))
        before = until
    return segments


def decode(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> str:
    """Return the text of tokens as it is, special tokens included."""
    return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def visible(piece: str) -> str:
    """Escape text for HTML; characters that would turn the reading order show as their codes."""
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    shown = "".join(f"\\u{ord(char):04x}" if char in turning else char for char in piece)
    return html.escape(shown)
