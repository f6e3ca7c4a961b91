"""Preparing every row of every split: tokens into tables, fates into the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ft_runtime.findings import Finding, finding
from ft_runtime.tokens.answers import AnswerRows, Outcome
from ft_runtime.tokens.classes import ClassRows
from ft_runtime.tokens.columns import Columns, Record
from ft_runtime.tokens.ledger import Ledger
from ft_runtime.tokens.limits import too_many_lost
from ft_runtime.tokens.notes import Notes, why
from ft_runtime.tokens.prepared import SPLITS
from ft_runtime.tokens.spans import Spans
from ft_runtime.tokens.table import Table

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.config import Config
    from ft_runtime.data.rows import Row, RowSet
    from ft_runtime.data.split import Splits


@dataclass
class Preparation:
    """What a preparation came to.

    Attributes
    ----------
    tables : dict of str to Table
        By split; empty when the preparation was read from the cache.
    ledger : Ledger
    end_ids : tuple of int
    pin : dict of str to str
        Digest of each split.
    found : list of Finding
        What is told.
    stops : list of Finding
        What forbids training.
    """

    tables: dict[str, Table]
    ledger: Ledger
    end_ids: tuple[int, ...]
    pin: dict[str, str]
    found: list[Finding]
    stops: list[Finding]

    def datasets(self) -> dict[str, Dataset]:
        """Return the splits."""
        return {name: table.dataset() for name, table in self.tables.items()}


@dataclass
class Plan:
    """All that a preparation needs.

    Attributes
    ----------
    config : Config
    rows : RowSet
    splits : Splits
    tokenizer : PreTrainedTokenizerBase
    moment : datetime
        What a template is told when it asks for the time.
    """

    config: Config
    rows: RowSet
    splits: Splits
    tokenizer: PreTrainedTokenizerBase
    moment: datetime

    def __post_init__(self) -> None:
        self.limit, self.ceiling = token_limit(self.config, self.tokenizer)
        self.classes = self.config.task == "classification"

    def worker(self, notes: Notes) -> AnswerRows | ClassRows:
        """Return what turns rows into tokens.

        Raises
        ------
        FindingsError
            ``tokens.no_template``.
        """
        if self.classes:
            return ClassRows(self.tokenizer, self.limit, self.rows.label_names, notes)
        format_name = self.config.dataset.format
        return AnswerRows(format_name, self.tokenizer, self.limit, self.moment, notes)

    def make(self, folder: Path | None = None) -> Preparation:
        """Prepare every row.

        Parameters
        ----------
        folder : Path, optional
            Takes a file for each split; without it they stay in memory.

        Raises
        ------
        OSError
            When the folder cannot be written.
        FindingsError
            ``tokens.template_broken``, ``tokens.no_end``.
        """
        notes = Notes()
        work = self.worker(notes)
        fates, spans = Columns(), Spans()
        for row in self.rows.rows:
            if not row.usable:
                fates.add(_unused(row))
        paths = {name: folder / f"{name}.arrow" if folder else None for name in SPLITS}
        tables = {name: Table(self.classes, path) for name, path in paths.items()}
        try:
            for name, table in tables.items():
                for row, outcome in work.outcomes(getattr(self.splits, name)):
                    fates.add(_fate(row, name, outcome))
                    if outcome.turns:
                        spans.add(row.number, outcome.turns)
                    if not outcome.used:
                        notes.add(outcome.cut.code, row, _words(outcome))
                    elif outcome.label is None:
                        table.learn(row.number, outcome.cut.ids, outcome.cut.learned)
                    else:
                        table.add(row.number, outcome.cut.ids, outcome.label)
                table.close()
        finally:
            for table in tables.values():
                table.discard()
        self._add_leftover(fates)
        ledger = Ledger(fates, len(self.rows.rows))
        return Preparation(
            tables=tables,
            ledger=ledger,
            end_ids=tuple(sorted(work.end_ids)),
            pin={name: table.digest() for name, table in tables.items()},
            found=self._found(notes, work, ledger),
            stops=self._stops(ledger, spans, tables["train"]),
        )

    def _found(self, notes: Notes, work: AnswerRows | ClassRows, ledger: Ledger) -> list[Finding]:
        found = notes.findings(limit=self.limit)
        if work.uses_clock:
            found.append(finding("tokens.clock", "model_id"))
        if self.ceiling is not None and ledger.tokens()["tokens_cut"]:
            found.append(
                finding("tokens.model_limit", "hyperparams.max_seq_len", limit=self.ceiling)
            )
        return found

    def _stops(self, ledger: Ledger, spans: Spans, train: Table) -> list[Finding]:
        allowed = self.config.dataset.max_lost_fraction
        stop = too_many_lost(ledger, spans, allowed, self.limit, self.ceiling)
        stops = [stop] if stop else []
        if not len(train):
            stops.append(finding("tokens.no_training_rows", "dataset"))
        return stops

    def _add_leftover(self, fates: Columns) -> None:
        """Account for usable rows that no split took."""
        if len(fates) == len(self.rows.rows):
            return
        seen = set(fates.rows)
        code = "tokens.in_no_split"
        reason = "", "dropped", 0, 0, 0, code, why(code)
        for row in self.rows.rows:
            if row.number not in seen:
                fates.add((row.number, row.source, row.line, *reason))


def token_limit(config: Config, tokenizer: PreTrainedTokenizerBase) -> tuple[int, int | None]:
    """Return the maximum length in use, and the model's own where that is the smaller one."""
    asked = int(config.hyperparams.max_seq_len)
    ceiling = int(tokenizer.model_max_length)
    return (ceiling, ceiling) if 0 < ceiling < asked else (asked, None)


def _fate(row: Row, split: str, outcome: Outcome) -> Record:
    cut = outcome.cut
    learned = cut.supervised if outcome.label is None else 1
    counts = len(cut.ids), learned, cut.tokens_cut
    return (row.number, row.source, row.line, split, cut.state, *counts, cut.code, outcome.detail)


def _unused(row: Row) -> Record:
    code, words = "tokens.unreadable", why("tokens.unreadable")
    if row.problems:
        code, words = row.problems[0].code, row.problems[0].message
    where = (row.number, row.source, row.line, row.split or "")
    return (*where, "dropped", 0, 0, 0, code, words)


def _words(outcome: Outcome) -> str:
    """Return what tells rows dropped for one code apart: a template's words, and no numbers."""
    return outcome.detail if outcome.cut.code == "tokens.template_refused" else ""
