"""Findings, tables and notes as HTML; whatever comes from outside is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ft_runtime.findings import text

_MARKS = {"error": ("✖", "#b3261e"), "warning": ("▲", "#8a5a00"), "info": ("ℹ", "#1a5fb4")}
_CELL = 200
_COLUMNS = 100
_BOX = "border:1px solid #8888;padding:2px 6px;vertical-align:top;text-align:left"


def findings_html(findings: Iterable[Mapping[str, str]], *, places: bool = False) -> str:
    """Return findings as a list, errors first; `places` names the field of each."""
    order = list(_MARKS)
    found = sorted(findings, key=lambda item: order.index(item["severity"]))
    return "".join(_finding(item, places) for item in found)


def summary_html(findings: Sequence[Mapping[str, str]]) -> str:
    """Return how many findings there are of each kind, and all of them with their places."""
    if not findings:
        return note_html(text("wizard.no_findings"))
    count = {kind: sum(item["severity"] == kind for item in findings) for kind in _MARKS}
    said = text(
        "wizard.counts", errors=count["error"], warnings=count["warning"], infos=count["info"]
    )
    return note_html(said) + findings_html(findings, places=True)


def note_html(said: str) -> str:
    """Return a sentence."""
    return f'<div role="status" style="line-height:1.4">{escape(said)}</div>'


def help_html(said: str) -> str:
    """Return the help of a field."""
    return f'<div style="line-height:1.3;opacity:.75;font-size:90%">{escape(said)}</div>'


def code_html(source: str) -> str:
    """Return source as it is."""
    return f'<pre style="max-height:24em;overflow:auto">{escape(source)}</pre>'


def rendered_html(segments: Iterable[Mapping[str, Any]]) -> str:
    """Return a row as the model sees it: what is learned is marked, and underlined."""
    marked = "background:#ffe08a;color:#1a1a1a;text-decoration:underline"
    text = "".join(
        f'<mark style="{marked}">{escape(item["text"])}</mark>'
        if item["supervised"]
        else escape(item["text"])
        for item in segments
    )
    return f'<pre style="max-height:24em;overflow:auto;white-space:pre-wrap">{text}</pre>'


def table_html(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as a table; of very many columns, the first ones."""
    more = '<th scope="col">…</th>' if len(columns) > _COLUMNS else ""
    columns = columns[:_COLUMNS]
    head = "".join(f'<th scope="col" style="{_BOX}">{escape(name)}</th>' for name in columns)
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_BOX}">{_shown(row.get(name))}</td>' for name in columns)
        + "</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{head}{more}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div style="max-height:24em;overflow:auto;line-height:1.3">{table}</div>'


def _finding(item: Mapping[str, str], places: bool) -> str:
    mark, colour = _MARKS[item["severity"]]
    place = f"<code>{escape(item['where'])}</code> " if places and item["where"] else ""
    hint = f"<br>→ {escape(item['hint'])}" if item["hint"] else ""
    name = escape(f"{item['severity']} {item['code']}")
    return (
        f'<div style="line-height:1.4;margin:2px 0" title="{name}">'
        f'<b style="color:{colour}">{mark} {escape(item["severity"])}</b> '
        f"{place}{escape(item['message'])}{hint}</div>"
    )


def _shown(value: Any) -> str:
    if value is None:
        return ""
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return escape(said if len(said) <= _CELL else said[:_CELL] + "…")
