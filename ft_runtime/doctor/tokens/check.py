"""What the chat template and the tokenizer make of every row: refusals, ends, masks, lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ft_runtime.data.places import SHOWN, join_places
from ft_runtime.doctor.tokens.draw import DrawnRow, draw
from ft_runtime.findings import Finding, FindingsError, finding
from ft_runtime.tokens.answers import AnswerRows, Outcome
from ft_runtime.tokens.classes import ClassRows
from ft_runtime.tokens.notes import Notes

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.data.rows import Row

_SHARES = {"least": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
KEEP = 200


@dataclass
class TokenReport:
    """Rows in tokens.

    Attributes
    ----------
    rows : int
        Rows that were looked at.
    limit : int
        Maximum length in use.
    lengths : dict of str to int
        Quantiles (nearest rank) of the tokens of whole rows, before any cut.
    histogram : dict of int to int
        Rows by length, in steps of powers of two: the key is the lower bound.
    tokens, cut : int
        All tokens, and those that the limit cuts off.
    over : int
        Rows that are longer than the limit.
    lost_end : int
        Of these, rows of which an answer loses its end.
    supervised : float
        Share of tokens that the loss looks at.
    dropped : dict of str to int
        Rows that cannot be used, by code.
    refused : list of (str, str)
        Place of a row that the template refuses, and its words; the first 200.
    drawn : DrawnRow or None
        One row token by token.
    findings : list of Finding
    """

    rows: int = 0
    limit: int = 0
    lengths: dict[str, int] = field(default_factory=dict)
    histogram: dict[int, int] = field(default_factory=dict)
    tokens: int = 0
    cut: int = 0
    over: int = 0
    lost_end: int = 0
    supervised: float = 0.0
    dropped: dict[str, int] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    drawn: DrawnRow | None = None
    findings: list[Finding] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON; findings are told elsewhere."""
        plain = {n: v for n, v in vars(self).items() if n not in ("findings", "drawn")}
        return {**plain, "drawn": self.drawn.to_dict() if self.drawn else None}


def check_tokens(
    rows: Sequence[Row],
    format: str,
    tokenizer: PreTrainedTokenizerBase,
    limit: int,
    label_names: Sequence[str] = (),
    line: int | None = None,
) -> TokenReport:
    """Render and encode every row as a run would, and train nothing.

    Parameters
    ----------
    rows : sequence of Row
        Usable rows.
    format : str
        A format of the config.
    tokenizer : PreTrainedTokenizerBase
    limit : int
        ``hyperparams.max_seq_len``.
    label_names : sequence of str
        Classification: the classes.
    line : int, optional
        Which row to draw, by its line, or its number where there are no lines; the first by
        default, and where that one is not usable.

    Returns
    -------
    TokenReport
        Bad rows never raise; a tokenizer without what the format needs gives a finding.
    """
    ceiling = int(tokenizer.model_max_length)
    report = TokenReport(len(rows), ceiling if 0 < ceiling < limit else limit)
    notes = Notes()
    try:
        work: AnswerRows | ClassRows
        if format == "csv_classification":
            work = ClassRows(tokenizer, report.limit, label_names, notes)
        else:
            moment = datetime.now(timezone.utc)
            work = AnswerRows(format, tokenizer, report.limit, moment, notes)
        gathered = _Gathered(report, tokenizer, notes, line)
        for row, outcome in work.outcomes(rows):
            gathered.add(row, outcome)
        gathered.finish()
    except FindingsError as error:
        report.findings += error.findings
    report.findings += notes.findings(limit=report.limit)
    return report


class _Gathered:
    """Sums over outcomes."""

    def __init__(
        self,
        report: TokenReport,
        tokenizer: PreTrainedTokenizerBase,
        notes: Notes,
        line: int | None,
    ) -> None:
        self._line = line
        self._report = report
        self._tokenizer = tokenizer
        self._notes = notes
        self._lengths: Counter[int] = Counter()
        self._spots: dict[str, list[tuple[str, str]]] = {}
        self._counts: Counter[str] = Counter()
        self._learned = self._in_use = 0
        self._drawn: tuple[int, Row, Outcome] | None = None
        """Smallest rank, -1 for the row that was asked for."""

    def add(self, row: Row, outcome: Outcome) -> None:
        report, cut = self._report, outcome.cut
        length = len(cut.ids) + cut.tokens_cut
        if length:
            self._lengths[length] += 1
        if not outcome.used:
            report.dropped[cut.code] = report.dropped.get(cut.code, 0) + 1
            refused = cut.code == "tokens.template_refused"
            self._notes.add(cut.code, row, outcome.detail if refused else "")
            refused |= cut.code == "tokens.parts_refused"
            if refused and len(report.refused) < KEEP:
                report.refused.append((join_places([row.spot]), outcome.detail))
        else:
            self._in_use += len(cut.ids)
            self._learned += 1 if outcome.label is not None else cut.supervised
            rank = -1 if self._line == (row.line or row.number) else row.number
            if self._drawn is None or rank < self._drawn[0]:
                self._drawn = (rank, row, outcome)
        if length > report.limit:
            report.over += 1
            report.cut += length - report.limit if cut.state != "dropped" else length
            report.lost_end += cut.state == "lost_end"
        begin = self._tokenizer.bos_token_id
        if begin is not None and list(cut.ids[:2]) == [begin, begin]:
            self._note("data.double_bos", row.spot)

    def finish(self) -> None:
        report = self._report
        report.tokens = sum(length * count for length, count in self._lengths.items())
        report.supervised = self._learned / self._in_use if self._in_use else 0.0
        report.lengths = quantiles(self._lengths)
        for length, count in self._lengths.items():
            step = 1 << (length.bit_length() - 1)
            report.histogram[step] = report.histogram.get(step, 0) + count
        report.histogram = dict(sorted(report.histogram.items()))
        for code, count in self._counts.items():
            places = join_places(self._spots[code], count)
            report.findings.append(finding(code, places, count=count))
        if report.over:
            report.findings.append(self._cost())
        if self._drawn is not None:
            rank, row, outcome = self._drawn
            report.drawn = draw(row, outcome, self._tokenizer)
            if self._line is not None and rank >= 0:
                values = {"line": self._line, "other": row.line or row.number}
                report.findings.append(finding("doctor_report.other_drawn", "--draw", **values))

    def _cost(self) -> Finding:
        report = self._report
        return finding(
            "data.over_length",
            "hyperparams.max_seq_len",
            count=report.over,
            rows=report.rows,
            limit=report.limit,
            cut=report.cut,
            percent=f"{100 * report.cut / max(1, report.tokens):.1f}",
            lost=report.lost_end + report.dropped.get("tokens.cut_away", 0),
            most=report.lengths["most"],
            p99=report.lengths["p99"],
        )

    def _note(self, code: str, spot: tuple[str, str]) -> None:
        self._counts[code] += 1
        known = self._spots.setdefault(code, [])
        if len(known) < SHOWN:
            known.append(spot)


def quantiles(lengths: Counter[int]) -> dict[str, int]:
    """Return quantiles (nearest rank) of numbers that were counted."""
    total = sum(lengths.values())
    if not total:
        return {}
    ordered = sorted(lengths.items())
    return {**{n: _at(ordered, s, total) for n, s in _SHARES.items()}, "most": ordered[-1][0]}


def _at(ordered: Iterable[tuple[int, int]], share: float, total: int) -> int:
    rank, seen = max(1, -(-int(share * total * 100) // 100)), 0
    for value, count in ordered:
        seen += count
        if seen >= rank:
            return value
    return 0
