"""`prepare_data`: from split rows to token ids, with every row accounted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ft_runtime.doctor.sources import record_data
from ft_runtime.findings import FindingsError, finding, notify
from ft_runtime.printing import reason_of
from ft_runtime.tokens.keeping import LEDGER, prepared_or_kept
from ft_runtime.tokens.ledger import Ledger
from ft_runtime.tokens.notes import Notes
from ft_runtime.tokens.plan import Plan, Preparation
from ft_runtime.tokens.prepared import Example, Examples, PreparedData

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ft_runtime.config import Config
    from ft_runtime.data.rows import RowSet
    from ft_runtime.data.split import Splits
    from ft_runtime.runs import Run


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
        Gets ``ledger.csv`` and ``datasets.json``, and insists on the same data when it is resumed.

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

    Notes
    -----
    Data of many rows is kept in the user's cache folder once it is prepared, by the content of
    rows, tokenizer, template and options: the same input is then only read again. Environment:
    ``FT_CACHE`` (a folder, or ``off``), ``FT_CACHE_GB``.
    """
    plan = Plan(config, rows, splits, tokenizer, _moment(run))
    work = plan.worker(Notes())
    made, datasets = prepared_or_kept(plan, work.renderer)
    if run is not None:
        # First: a resume with other data is refused before it overwrites the run's ledger.
        run.pin("splits", splits.sha256)
        run.pin("data", {"rows": len(rows.rows), "sources": _sources(rows), "tokens": made.pin})
        _write(made.ledger, run)
        if run.leads:
            record_data(config, run, rows.sources)
    _tell(made)
    examples: dict[str, Sequence[Example]] = {
        name: Examples(datasets[name], part, work.example)
        for name, part in splits.by_name().items()
    }
    if work.renderer is not None and work.renderer.fickle:
        examples = {name: list(found) for name, found in examples.items()}
    return PreparedData(
        **datasets,
        ledger=made.ledger,
        examples=examples,
        label_names=list(rows.label_names) if plan.classes else None,
        end_token_ids=made.end_ids,
        max_seq_len=plan.limit,
        pin=made.pin,
    )


def _write(ledger: Ledger, run: Run) -> None:
    if not run.leads:
        return
    path = run.path / LEDGER
    try:
        ledger.write(path)
    except OSError as error:
        reason = reason_of(error)
        raise FindingsError([finding("run.cannot_write", str(path), got=reason)]) from error


def _tell(made: Preparation) -> None:
    """Raise what stops the run, with all else that was found; otherwise show what was found."""
    if made.stops:
        raise FindingsError([*made.stops, *made.found])
    notify(*made.found)


def _moment(run: Run | None) -> datetime:
    """Return the start of the run: a resumed run must render the same text on another day."""
    created = run.manifest.get("created") if run is not None else None
    return datetime.fromisoformat(created) if created else datetime.now(timezone.utc)


def _sources(rows: RowSet) -> Mapping[str, Any]:
    return {
        source.name: {"sha256": source.sha256, "revision": source.revision}
        for source in rows.sources
    }
