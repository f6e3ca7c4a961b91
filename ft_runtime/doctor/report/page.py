"""The report as one small HTML page: no script, nothing loaded, everything escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from ft_runtime.doctor.part import class_length
from ft_runtime.doctor.proposal import NAMES
from ft_runtime.doctor.report.bars import Bar, bars, length_bars
from ft_runtime.doctor.report.report import empty_rate
from ft_runtime.doctor.report.summary import proposed_folder, shares, size_text, verdict
from ft_runtime.findings import text
from ft_runtime.printing import printable, printable_path

if TYPE_CHECKING:
    from ft_runtime.doctor.alike import NearReport
    from ft_runtime.doctor.report.report import Report
    from ft_runtime.doctor.result import FileScan
    from ft_runtime.doctor.splits import SplitReport
    from ft_runtime.doctor.tokens import TokenReport

_GROUPS = 200
_LABELS = 30
_STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--paper:#fff;--soft:#59636e;--line:#d1d9e0;
--bar:#2f81c7;--error:#b3261e;--warning:#7a5200;--info:#59636e}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--soft:#9198a1;
--line:#3d444d;--bar:#58a6ff;--error:#ff8a80;--warning:#e3b341;--info:#9198a1}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;
padding:.3rem .6rem;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:600;white-space:nowrap}.n{text-align:right;white-space:nowrap}
td.w{overflow-wrap:anywhere;min-width:8rem}td.t{min-width:20rem}
.error{color:var(--error)}.warning{color:var(--warning)}.info{color:var(--info)}
.hint,small{color:var(--soft)}code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{white-space:pre-wrap;border:1px solid var(--line);border-radius:6px;padding:.6rem}
li,p,h2{overflow-wrap:anywhere}.s{overflow-x:auto}
svg{display:block;max-width:100%;height:auto}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}
svg .soft{fill:var(--soft)}svg rect{fill:var(--bar)}
"""


def to_html(report: Report) -> str:
    """Return the report as a page of its own, in light and dark."""
    title = html.escape(text("doctor_report.h_title"))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<style>{_STYLE}</style></head>\n<body><main>\n<h1>{title}</h1>\n"
        f"{to_fragment(report)}\n</main></body></html>\n"
    )


def to_fragment(report: Report) -> str:
    """Return the report as HTML that goes into another page, such as a notebook's."""
    parts = [f"<p><strong>{_e(verdict(report))}</strong></p>", _files(report), _findings(report)]
    if report.diff is not None:
        parts.append(f"{_h('h_diff')}<pre>{_e(repr(report.diff))}</pre>")
    if report.split and sum(report.split.sizes.values()):
        parts.append(_split(report.split))
    if report.near and report.near.groups:
        parts.append(_near(report.near))
    parts += [_lengths(scan, alone=len(report.files) == 1) for scan in report.files[:10]]
    if report.tokens and report.tokens.histogram:
        parts.append(_tokens(report.tokens))
    if report.labels and report.labels.counts:
        parts.append(_labels(report))
    if report.tokens and report.tokens.drawn:
        parts.append(f"{_h('h_row')}{report.tokens.drawn._repr_html_()}")
    return "\n".join(parts)


def _e(value: str) -> str:
    """Escape user text; half characters and controls show as their codes."""
    clean = value.encode("utf-8", "backslashreplace").decode()
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    shown = "".join(
        f"\\u{ord(c):04x}" if c in turning or (c < " " and c not in "\n\t") else c for c in clean
    )
    return html.escape(shown)


def _h(key: str, of: str = "") -> str:
    name = f" · {_e(printable(of, 120))}" if of else ""
    return f"<h2>{html.escape(_word(key))}{name}</h2>"


def _table(key: str, columns: tuple[str, ...], rows: list[str]) -> str:
    """Return a table that scrolls by itself where the page is narrow, by keyboard too."""
    numbers = ("h_rows", "h_broken")
    head = "".join(
        f'<th scope="col"{" class=n" if name in numbers else ""}>{_e(_word(name))}</th>'
        for name in columns
    )
    return (
        f'<div class="s" role="region" tabindex="0" aria-label="{_e(_word(key))}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _word(key: str) -> str:
    return text(f"doctor_report.{key}")


def _files(report: Report) -> str:
    rows = []
    for scan in report.files:
        shape = f" ({NAMES[scan.shape]})" if scan.shape in NAMES else ""
        identity = f"<code>{_e(scan.fingerprint)}</code><br><small>{_e(scan.sha256)}</small>"
        rows.append(
            f'<tr><td class="w">{_e(printable_path(scan.path, 120))}</td>'
            f'<td class="n">{scan.rows:,}</td><td class="n">{scan.broken:,}</td>'
            f"<td>{_e(scan.format or '?')}{_e(shape)}<br><small>{_e(scan.container)}, "
            f'{size_text(scan.bytes)}</small></td><td class="w">{identity}</td></tr>'
        )
    told = []
    if report.languages:
        told.append(text("doctor_report.languages_line", shown=shares(report.languages, 12)))
    if report.scripts:
        told.append(text("doctor_report.scripts_line", shown=shares(report.scripts, 12)))
    more = "".join(f"<p>{_e(line.strip())}</p>" for line in told)
    columns = ("h_file", "h_rows", "h_broken", "h_format", "h_identity")
    return f"{_h('h_files')}{_table('h_files', columns, rows)}{more}"


def _findings(report: Report) -> str:
    if not report.groups:
        return f"{_h('h_findings')}<p>{_e(text('doctor_report.h_none'))}</p>"
    rows = []
    for each in report.groups[:_GROUPS]:
        hint = f'<div class="hint">→ {_e(each.hint)}</div>' if each.hint else ""
        count = f"{each.rows:,}" if each.rows else ""
        rows.append(
            f'<tr><td><span class="{each.severity}">{each.severity}</span><br>'
            f'<code title="{_e(each.code)}">{_breakable(each.code)}</code></td>'
            f'<td class="n">{count}</td><td class="w">{_e(printable(each.where, 200))}</td>'
            f'<td class="t">{_e(printable(each.message, 1000))}{hint}</td></tr>'
        )
    left = len(report.groups) - _GROUPS
    more = f"<p>{_e(text('doctor_report.more_kinds', count=left))}</p>" if left > 0 else ""
    columns = ("csv_column_code", "h_rows", "h_where", "h_what")
    return f"{_h('h_findings')}{_table('h_findings', columns, rows)}{more}"


def _breakable(code: str) -> str:
    """Let a long code break at its joints, not inside a word."""
    return _e(code).replace("_", "_<wbr>").replace(".", ".<wbr>")


def _line(key: str, **values: object) -> str:
    return f"<p>{_e(text(f'doctor_report.{key}', **values).strip())}</p>"


def _split(split: SplitReport) -> str:
    sizes = ", ".join(f"{name} {size:,}" for name, size in split.sizes.items())
    told = _line("split_line", strategy=split.strategy, sizes=sizes)
    if split.proposal:
        key = "proposal_files" if split.proposed == "files" else "proposal"
        folder = proposed_folder(split.proposal) if split.proposed == "files" else ""
        told += f"{_line(key, folder=folder)}<pre>{_e(split.proposal)}</pre>"
    return _h("h_split") + told


def _near(near: NearReport) -> str:
    rows = "".join(f"<li>{_e(' ~ '.join(places))}</li>" for places in near.groups)
    left = _line("h_near_more", count=near.rows, shown=len(near.groups))
    return f"{_h('h_near')}<ul>{rows}</ul>{left}"


def _lengths(scan: FileScan, alone: bool) -> str:
    counts = {class_length(number): count for number, count in scan.histogram.items()}
    if not counts:
        return ""
    told = _line("h_quantiles", **vars(scan.lengths))
    if rate := empty_rate(scan):
        told += _line("h_empty", percent=f"{100 * rate:.3g}")
    return f"{_h('h_lengths', '' if alone else scan.path)}{bars(length_bars(counts))}{told}"


def _tokens(tokens: TokenReport) -> str:
    values = {**tokens.lengths, "over": tokens.over, "limit": tokens.limit}
    told = _line("tokens_line", **values, supervised=round(100 * tokens.supervised))
    return f"{_h('h_tokens')}{bars(length_bars(tokens.histogram))}{told}"


def _labels(report: Report) -> str:
    assert report.labels is not None
    counts = report.labels.counts
    drawn = [Bar(printable(label, 40) or '""', n) for label, n in list(counts.items())[:_LABELS]]
    left = len(counts) - len(drawn)
    more = f"<p>{_e(text('doctor_report.h_more_labels', count=left))}</p>" if left > 0 else ""
    table = report.labels
    values = {"evenness": f"{table.evenness:.2f}", "ratio": f"{table.ratio:.1f}"}
    told = _line("h_balance", **values, majority=round(100 * table.majority), count=len(counts))
    return f"{_h('h_labels')}{bars(drawn)}{more}{told}"
