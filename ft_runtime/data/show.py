"""How rows and splits show themselves in a notebook: at most some ten lines, worst first."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ft_runtime.data.places import listing
from ft_runtime.data.tally import unusable

if TYPE_CHECKING:
    from ft_runtime.data.rows import RowSet
    from ft_runtime.data.splits import Splits

_LINES = 6


def rows_text(rows: RowSet) -> str:
    """Return the summary of a dataset as plain text."""
    lines = [_headline(rows)]
    lines += [f"  {who}: {what}" for who, what in _facts(rows)]
    return "\n".join(lines)


def rows_html(rows: RowSet) -> str:
    """Return the summary of a dataset as a small HTML table; user text is escaped."""
    body = "".join(
        f"<tr><td style='text-align:left'>{escape(who)}</td>"
        f"<td style='text-align:left'>{escape(what)}</td></tr>"
        for who, what in _facts(rows)
    )
    return f"<div><strong>{escape(_headline(rows))}</strong><table>{body}</table></div>"


def splits_text(splits: Splits) -> str:
    """Return the sizes of the splits as plain text."""
    sizes = ", ".join(f"{name} {len(rows):,}" for name, rows in splits.by_name().items())
    how = splits.strategy if splits.seed is None else f"{splits.strategy}, seed {splits.seed}"
    lines = [f"{sizes} ({how})"]
    lines += [f"  {item.severity}: {_short(item.message)}" for item in splits.findings[:_LINES]]
    return "\n".join(lines)


def _headline(rows: RowSet) -> str:
    names = listing((source.name for source in rows.sources), 3)
    labels = f", {len(rows.label_names)} labels" if rows.label_names else ""
    return f"{names} ({rows.format}): {len(rows):,} rows, {len(rows.usable):,} usable{labels}"


def _facts(rows: RowSet) -> list[tuple[str, str]]:
    """Return what is wrong: unusable rows by frequency, then warnings, then notes."""
    facts = [
        (f"{count:,} × {code.removeprefix('data.')}", f"{places}: {_short(first.message)}")
        for code, count, places, first in unusable(rows.rows)
    ]
    facts += [
        (
            item.severity,
            f"{item.where}: {_short(item.message)}" if item.where else _short(item.message),
        )
        for item in rows.findings
        if item.code != "data.rows_unusable"
    ]
    more = len(facts) - _LINES
    if more > 1:
        facts = [*facts[:_LINES], ("…", f"{more} more in rows.findings")]
    return facts


def _short(message: str, limit: int = 110) -> str:
    return message if len(message) <= limit else message[: limit - 1] + "…"
