"""One row token by token, with what is learned marked."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import text
from ft_runtime.tokens.prepared import IGNORED
from ft_runtime.tokens.preview import RenderedExample, decode, segments_of, visible

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.data.rows import Row
    from ft_runtime.tokens.answers import Outcome

MOST = 400
"""Tokens that are drawn; of a longer row the first and the last of them."""
LEARNED, READ = "●", "·"


@dataclass(frozen=True)
class DrawnRow:
    """A row as the model sees it, token by token.

    Attributes
    ----------
    example : RenderedExample
        The row as running text, what is learned between marks.
    tokens : tuple of (int, int, str, bool)
        Position, id, text, and whether the loss looks at it.
    left_out : int
        Tokens in the middle that are not drawn.
    """

    example: RenderedExample
    tokens: tuple[tuple[int, int, str, bool], ...]
    left_out: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        names = ("position", "id", "text", "learned")
        return {
            "row": self.example.row,
            "tokens": [dict(zip(names, token, strict=True)) for token in self.tokens],
            "left_out": self.left_out,
        }

    def __repr__(self) -> str:
        lines = [repr(self.example), "", text("doctor_report.drawn_legend")]
        last = -1
        for position, number, piece, learned in self.tokens:
            if position != last + 1:
                lines.append(f"  … {position - last - 1}")
            mark = LEARNED if learned else READ
            lines.append(f"{position:5} {mark} {number:7} {piece!r}")
            last = position
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        cells, last = [], -1
        for position, number, piece, learned in self.tokens:
            if position != last + 1:
                cells.append(f"<span> … {position - last - 1} … </span>")
            shown = visible(piece).replace("\n", "⏎<br>").replace(" ", "&nbsp;")
            style = (
                "display:inline-block;margin:1px;padding:0 2px;border-radius:3px;"
                "border:1px solid rgba(128,128,128,.4);font-family:monospace"
            )
            if learned:
                style += ";background:rgba(46,160,67,.28);border-color:rgb(46,160,67)"
            title = html.escape(f"{position}: {number}", quote=True)
            cells.append(f'<span title="{title}" style="{style}">{shown or "&nbsp;"}</span>')
            last = position
        legend = html.escape(text("doctor_report.drawn_legend_html"))
        return f"{self.example._repr_html_()}<p>{legend}</p><div>{''.join(cells)}</div>"


def draw(row: Row, outcome: Outcome, tokenizer: PreTrainedTokenizerBase) -> DrawnRow:
    """Draw a row that was encoded."""
    ids = list(outcome.cut.ids)
    split = row.split or "data"
    if outcome.label is not None:
        label = str((row.fields or {}).get("label"))
        segments: tuple[tuple[str, bool], ...] = ((decode(tokenizer, ids), False),)
        example = RenderedExample(split, row.number, segments, len(ids), 1, label)
        learned = [False] * len(ids)
    else:
        learned = [label != IGNORED for label in outcome.cut.labels]
        segments = tuple(segments_of(tokenizer, ids, learned))
        example = RenderedExample(split, row.number, segments, len(ids), sum(learned))
    places = list(range(len(ids)))
    if len(places) > MOST:
        places = places[: MOST // 2] + places[-MOST // 2 :]
    tokens = tuple((i, ids[i], decode(tokenizer, [ids[i]]), learned[i]) for i in places)
    return DrawnRow(example, tokens, len(ids) - len(places))
