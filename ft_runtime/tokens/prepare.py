"""`prepare_data`: from split rows to token ids, with every row accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ft_runtime.findings import Finding, FindingsError, finding, notify
from ft_runtime.tokens.answers import AnswerRows, Outcome
from ft_runtime.tokens.classes import ClassRows
from ft_runtime.tokens.cut import Turns
from ft_runtime.tokens.ledger import Entry, Ledger
from ft_runtime.tokens.limits import too_many_lost
from ft_runtime.tokens.notes import Notes, why
from ft_runtime.tokens.prepared import SPLITS, Example, PreparedData, Table

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.config import Config
    from ft_runtime.data.rows import Row, RowSet
    from ft_runtime.data.split import Splits
    from ft_runtime.runs import Run

LEDGER = "ledger.csv"


def prepare_data(
    config: Config,
    rows: RowSet,
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    run: Run | None = None,
) -> PreparedData:
    """Turn the rows of every split into token ids and labels, and account for every row.

    The loss looks only at what the model must produce: assistant turns, outputs and completions,
    each with the token that ends it; for classification, at the label.

    Parameters
    ----------
    config : Config
    rows : RowSet
        Every input row.
    splits : Splits
        Which usable rows go where.
    tokenizer : PreTrainedTokenizerBase
        With a chat template for chat and instruction data.
    run : Run, optional
        Gets ``ledger.csv``, and insists on the same data when it is resumed.

    Returns
    -------
    PreparedData

    Raises
    ------
    FindingsError
        ``tokens.too_many_lost`` when more than ``dataset.max_lost_fraction`` of the rows is dropped
        or lost an end token, ``tokens.no_training_rows``, ``tokens.no_template``,
        ``tokens.template_broken``, ``tokens.no_end``, ``run.cannot_write``; and what `Run.pin`
        raises. The ledger is written first, unless the model is to blame.
    """
    notes = Notes()
    limit, ceiling = _limit(config, tokenizer)
    work: AnswerRows | ClassRows
    if config.task == "classification":
        work = ClassRows(tokenizer, limit, rows.label_names, notes)
    else:
        work = AnswerRows(config.dataset.format, tokenizer, limit, _moment(run), notes)

    entries = [_unused(row) for row in rows.rows if not row.usable]
    tables = {name: Table(classes=config.task == "classification") for name in SPLITS}
    examples: dict[str, list[Example]] = {name: [] for name in SPLITS}
    turns: dict[int, Turns] = {}
    for name in SPLITS:
        for row, outcome in work.outcomes(getattr(splits, name)):
            entries.append(_entry(row, name, outcome))
            if outcome.turns:
                turns[row.number] = outcome.turns
            if outcome.example is None:
                notes.add(outcome.cut.code, row, _words(outcome))
                continue
            labels = outcome.cut.labels if outcome.label is None else outcome.label
            tables[name].add(row.number, outcome.cut.ids, labels)
            examples[name].append(outcome.example)
    entries += _leftover(rows, entries)

    ledger = Ledger(entries, len(rows.rows))
    pin = {name: table.digest() for name, table in tables.items()}
    if run is not None:
        # First: a resume with other data is refused before it overwrites the run's ledger.
        run.pin("splits", splits.sha256)
        run.pin("data", {"rows": len(rows.rows), "sources": _sources(rows), "tokens": pin})
        _write(ledger, run)
    found = notes.findings(limit=limit)
    if work.uses_clock:
        found.append(finding("tokens.clock", "model_id"))
    if ceiling is not None and ledger.tokens()["tokens_cut"]:
        found.append(finding("tokens.model_limit", "hyperparams.max_seq_len", limit=ceiling))
    stop = too_many_lost(ledger, turns, config.dataset.max_lost_fraction, limit, ceiling)
    _tell(found, stop, tables["train"])

    return PreparedData(
        **{name: table.dataset() for name, table in tables.items()},
        ledger=ledger,
        examples=examples,
        label_names=list(rows.label_names) if config.task == "classification" else None,
        end_token_ids=tuple(sorted(work.end_ids)),
        max_seq_len=limit,
        pin=pin,
    )


def _write(ledger: Ledger, run: Run) -> None:
    path = run.path / LEDGER
    try:
        ledger.write(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FindingsError([finding("run.cannot_write", str(path), got=reason)]) from error


def _tell(found: list[Finding], stop: Finding | None, train: Table) -> None:
    """Raise what stops the run, with all else that was found; otherwise show what was found."""
    stops = [stop] if stop else []
    if not len(train):
        stops.append(finding("tokens.no_training_rows", "dataset"))
    if stops:
        raise FindingsError([*stops, *found])
    notify(*found)


def _limit(config: Config, tokenizer: PreTrainedTokenizerBase) -> tuple[int, int | None]:
    """Return the maximum length in use, and the model's own where that is the smaller one."""
    asked = int(config.hyperparams.max_seq_len)
    ceiling = int(tokenizer.model_max_length)
    return (ceiling, ceiling) if 0 < ceiling < asked else (asked, None)


def _moment(run: Run | None) -> datetime:
    """Return the start of the run: a resumed run must render the same text on another day."""
    created = run.manifest.get("created") if run is not None else None
    return datetime.fromisoformat(created) if created else datetime.now(timezone.utc)


def _entry(row: Row, split: str, outcome: Outcome) -> Entry:
    cut = outcome.cut
    return Entry(
        row=row.number,
        source=row.source,
        line=row.line,
        split=split,
        state=cut.state,
        tokens=len(cut.ids),
        supervised_tokens=cut.supervised if outcome.label is None else 1,
        tokens_cut=cut.tokens_cut,
        code=cut.code,
        detail=outcome.detail,
    )


def _unused(row: Row) -> Entry:
    return Entry(
        row=row.number,
        source=row.source,
        line=row.line,
        split=row.split or "",
        state="dropped",
        code=row.problems[0].code if row.problems else "tokens.unreadable",
        detail=row.problems[0].message if row.problems else why("tokens.unreadable"),
    )


def _leftover(rows: RowSet, entries: list[Entry]) -> list[Entry]:
    """Account for usable rows that no split took."""
    seen = {entry.row for entry in entries}
    code = "tokens.in_no_split"
    return [
        Entry(row.number, row.source, row.line, "", "dropped", code=code, detail=why(code))
        for row in rows.rows
        if row.number not in seen
    ]


def _words(outcome: Outcome) -> str:
    """Return what tells rows dropped for one code apart: a template's words, and no numbers."""
    return outcome.detail if outcome.cut.code == "tokens.template_refused" else ""


def _sources(rows: RowSet) -> Mapping[str, Any]:
    return {
        source.name: {"sha256": source.sha256, "revision": source.revision}
        for source in rows.sources
    }
