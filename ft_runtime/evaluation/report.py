"""What an evaluation found: plain data for ``report.json``, a table for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from ft_runtime.evaluation.verdict import MetricRow, number, percent, signed
from ft_runtime.findings import Finding, text

FORMAT = 1
_SHOWN = 240  # characters of a text in a table; report.json keeps all of them


@dataclass(frozen=True)
class ExampleRow:
    """One held-out row with the answers of both models, texts whole.

    Attributes
    ----------
    row : int
        Number of the row in the dataset, from 1.
    prompt, reference, base, tuned : str
        What was asked, what was wanted, what the two models answered.
    """

    row: int
    prompt: str
    reference: str
    base: str
    tuned: str


@dataclass
class EvaluationReport:
    """Base and tuned on the same held-out rows.

    Attributes
    ----------
    task : str
        ``causal_lm`` or ``classification``.
    held_out : str or None
        Name of the split that was used; None when there was none.
    rows_held_out : int
        Rows of that split.
    sample_rows : list of int
        Numbers of the rows that answers were generated for; empty when none were.
    metrics : list of MetricRow
        One a metric.
    examples : list of ExampleRow
        A few rows of the sample.
    notes : list of str
        What a reader of the numbers has to know.
    findings : list of Finding
        What went wrong or is doubtful.
    settings : dict
        How it was measured: models, decoding, bootstrap.
    timings : dict
        Seconds and tokens; shown, but not part of ``report.json``, because they never repeat.
    """

    task: str
    held_out: str | None
    rows_held_out: int
    sample_rows: list[int] = field(default_factory=list)
    metrics: list[MetricRow] = field(default_factory=list)
    examples: list[ExampleRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)

    def metric(self, name: str) -> MetricRow:
        """Return the row of one metric.

        Raises
        ------
        KeyError
            When the report has no such metric.
        """
        for row in self.metrics:
            if row.name == name:
                return row
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``report.json``: the same for the same models and rows."""
        return {
            "format": FORMAT,
            "task": self.task,
            "held_out": {"split": self.held_out, "rows": self.rows_held_out},
            "sample": {"n": len(self.sample_rows), "rows": self.sample_rows},
            "metrics": [{**row.to_dict(), "sentence": row.sentence} for row in self.metrics],
            "examples": [asdict(row) for row in self.examples],
            "notes": self.notes,
            "findings": [item.to_dict() for item in self.findings],
            "settings": self.settings,
        }

    def __repr__(self) -> str:
        lines = [self._headline()]
        if self.metrics:
            lines += _plain_table(_header(self.metrics), _cells(self.metrics))
        lines += [f"· {note}" for note in self.notes]
        lines += [str(item) for item in self.findings]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [f"<p>{escape(self._headline())}</p>"]
        if self.metrics:
            parts.append(html_table(_header(self.metrics), _cells(self.metrics)))
        if self.notes:
            parts.append("<ul>" + "".join(f"<li>{escape(n)}</li>" for n in self.notes) + "</ul>")
        parts += [f"<p>{escape(str(item))}</p>" for item in self.findings]
        if self.examples:
            head = ["#", *(text(f"evaluation.column_{c}") for c in _EXAMPLE_COLUMNS)]
            rows = [[str(e.row), e.prompt, e.reference, e.base, e.tuned] for e in self.examples]
            parts.append(html_table(head, [[shorten(cell) for cell in row] for row in rows]))
        return "\n".join(parts)

    def _headline(self) -> str:
        if not self.rows_held_out:
            return text("evaluation.headline_empty")
        line = text("evaluation.headline", split=self.held_out, rows=self.rows_held_out)
        if self.sample_rows:
            shown = {"n": len(self.sample_rows), "rows": self.rows_held_out}
            line += " " + text("evaluation.headline_sample", **shown)
        return line


_EXAMPLE_COLUMNS = ("prompt", "reference", "base", "tuned")


def shorten(value: str, limit: int = _SHOWN) -> str:
    """Return `value` cut to `limit` characters for display, with the number of those left out."""
    if len(value) <= limit:
        return value
    return f"{value[:limit]} … (+{len(value) - limit})"


def html_table(header: list[str], rows: list[list[str]]) -> str:
    """Return a table whose cells are escaped and keep their line breaks."""
    style = 'style="text-align:left;vertical-align:top;white-space:pre-wrap"'
    head = "".join(f"<th {style}>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td {style}>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _header(metrics: list[MetricRow]) -> list[str]:
    keys = ["metric", "base", "tuned", "difference", "interval", "n", "verdict"]
    if any(row.baseline is not None for row in metrics):
        keys.insert(3, "baseline")
    return [text(f"evaluation.column_{key}", level=percent()) for key in keys]


def _cells(metrics: list[MetricRow]) -> list[list[str]]:
    with_baseline = any(row.baseline is not None for row in metrics)
    rows = []
    for row in metrics:
        arrow = "↑" if row.higher_is_better else "↓"
        ends = row.interval
        cells = [
            f"{row.name} {arrow}",
            number(row.base),
            number(row.tuned),
            signed(row.difference),
            f"{signed(ends[0])} … {signed(ends[1])}" if ends else "–",
            str(row.n),
            row.verdict_text,
        ]
        if with_baseline:
            cells.insert(3, number(row.baseline))
        rows.append(cells)
    return rows


def _plain_table(header: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [header, ["─" * width for width in widths], *rows]
    return ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in lines]
