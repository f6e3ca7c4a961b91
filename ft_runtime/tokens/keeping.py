"""Keeping a preparation in the cache, and getting it back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ft_runtime.files import write_text_atomic
from ft_runtime.findings import Finding, finding, notify
from ft_runtime.imports import load
from ft_runtime.printing import reason_of
from ft_runtime.tokens.cache import Cache, Kept, cache_folder
from ft_runtime.tokens.key import key_of
from ft_runtime.tokens.ledger import Ledger
from ft_runtime.tokens.plan import Plan, Preparation
from ft_runtime.tokens.prepared import SPLITS

if TYPE_CHECKING:
    from datasets import Dataset

    from ft_runtime.tokens.template import ChatRenderer

LEDGER = "ledger.csv"
WORTH_KEEPING = 2_000
"""Rows from which a preparation is kept: fewer are prepared sooner than they are looked up."""


def prepared_or_kept(
    plan: Plan, renderer: ChatRenderer | None
) -> tuple[Preparation, dict[str, Dataset]]:
    """Return a preparation and its datasets: from the cache if it is there, else made, and kept.

    A preparation that forbids training is not kept. A cache that cannot be written is told, and
    the datasets are then in memory.
    """
    root = cache_folder()
    key = None
    if root is not None and len(plan.rows.rows) >= WORTH_KEEPING:
        key = key_of(plan, renderer)
    if root is None or key is None:
        made = plan.make()
        return made, made.datasets()
    cache = Cache(root)
    kept = cache.find(key)
    if kept is not None:
        try:
            return _read(kept), _datasets(kept)
        except ValueError:  # what was written cannot be read: it costs the time of a preparation
            made = plan.make()
            return made, made.datasets()
    try:
        with cache.room() as room:
            made = plan.make(room)
            if made.stops:
                return made, {}
            write_text_atomic(room / LEDGER, made.ledger.to_csv())
            values = {
                "end_ids": made.end_ids,
                "pin": made.pin,
                "found": [asdict(item) for item in made.found],
            }
            kept = cache.keep(room, key, values)
        return made, _datasets(kept)
    except OSError as error:
        reason = reason_of(error)
        notify(finding("tokens.cache_not_written", str(root), problem=reason))
        made = plan.make()
        return made, made.datasets()


def _read(kept: Kept) -> Preparation:
    values = kept.values
    return Preparation(
        tables={},
        ledger=Ledger.from_csv((kept.folder / LEDGER).read_bytes().decode("utf-8")),
        end_ids=tuple(values["end_ids"]),
        pin=values["pin"],
        found=[Finding(**item) for item in values["found"]],
        stops=[],
    )


def _datasets(kept: Kept) -> dict[str, Dataset]:
    """Return the splits, mapped from their files: what is not read takes no memory."""
    load("datasets")
    from datasets import Dataset

    return {name: Dataset.from_file(str(kept.folder / f"{name}.arrow")) for name in SPLITS}
