"""Reading a dataset of the Hugging Face hub: its rows, its own splits, its errors."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ft_runtime.data.classes import class_name, class_names
from ft_runtime.data.places import listing, printable
from ft_runtime.data.read.contents import Contents, Record, columns_of
from ft_runtime.data.read.jsonl import mark_values
from ft_runtime.findings import Finding, FindingsError, finding

_OWN = {
    "train": "train",
    "validation": "val",
    "val": "val",
    "valid": "val",
    "dev": "val",
    "test": "test",
}
_COMMIT = re.compile(r"@([0-9a-f]{40})/")


def read_hub(
    id: str, config_name: str | None = None, revision: str | None = None
) -> tuple[list[Contents], list[Finding]]:
    """Load a hub dataset.

    Parameters
    ----------
    id : str
        ``owner/name``.
    config_name : str, optional
        Subset.
    revision : str, optional
        Branch, tag or commit.

    Returns
    -------
    contents : list of Contents
        One a split. ``Contents.split`` is set when the dataset has held-out data of its own.
    findings : list of Finding
        Notes: whose splits are used, and which are not.

    Raises
    ------
    FindingsError
        The hub cannot be reached, the dataset is not there, is gated, or cannot be loaded.
    """
    # load_dataset would read the folder instead, and never say so.
    if id.startswith((".", "/", "~")) or Path(id).exists():
        raise FindingsError([finding("data.hub_id_is_folder", "dataset.id", id=printable(id))])
    parts = _load(id, config_name, revision)
    chosen, found = choose(parts, id)
    contents = []
    for name, split in chosen:
        try:
            each = contents_of(parts[name], f"{id}/{name}", id, split)
            each.revision = _commit(parts[name]) or revision
            contents.append(each)
        except Exception as error:
            raise FindingsError([explain(error, id, config_name, revision)]) from error
    return contents, found


def own_parts(id: str, config_name: str | None, revision: str | None) -> dict[str, Any]:
    """Load a hub dataset and return what a run reads of it: train, val, test, or "" for all rows.

    Raises
    ------
    FindingsError
        As `read_hub`.
    """
    return chosen_parts(_load(id, config_name, revision), id)


def chosen_parts(parts: Mapping[str, Any], id: str) -> dict[str, Any]:
    """Return of the splits of a dataset those that a run reads; see `own_parts`."""
    return {split or "": parts[name] for name, split in choose(parts, id)[0]}


def _load(id: str, config_name: str | None, revision: str | None) -> dict[str, Any]:
    try:
        import datasets
    except ImportError as error:
        problem = printable(str(error), 200)
        raise FindingsError(
            [finding("data.hub_library", "dataset.source", problem=problem)]
        ) from None
    try:
        loaded = datasets.load_dataset(id, config_name, revision=revision)
    except Exception as error:  # whatever the library, its HTTP client and its builders may raise
        raise FindingsError([explain(error, id, config_name, revision)]) from error
    return dict(loaded) if isinstance(loaded, Mapping) else {"train": loaded}


def choose(parts: Mapping[str, Any], id: str) -> tuple[list[tuple[str, str | None]], list[Finding]]:
    """Return which splits to read, and as what: None for rows that are still to be split."""
    own = {_OWN[name]: name for name in reversed(list(parts)) if name in _OWN}
    if "train" not in own:
        if len(parts) != 1:
            raise FindingsError(
                [finding("data.hub_no_train", "dataset.id", id=id, present=listing(parts))]
            )
        return [(next(iter(parts)), None)], []
    found = []
    others = [name for name in parts if name not in own.values()]
    if others:
        found.append(finding("data.hub_unused_splits", id, names=listing(others)))
    if len(own) == 1:
        return [("train", None)], found
    chosen: list[tuple[str, str | None]] = [
        (own[split], split) for split in ("train", "val", "test") if split in own
    ]
    found.append(finding("data.hub_own_splits", id, names=listing(name for name, _ in chosen)))
    return chosen, found


def contents_of(part: Any, name: str, path: str, split: str | None = None) -> Contents:
    """Return the rows of a dataset in memory; class numbers by their names.

    Parameters
    ----------
    part : datasets.Dataset
    name, path, split
        See `ft_runtime.data.rows.Source`.
    """
    names = class_names(part)
    records = []
    for row in part:
        for column, labels in names.items():
            row[column] = class_name(row[column], labels)
        records.append(Record(0, dict(row)))
    return Contents(
        name,
        path,
        "hub",
        records,
        columns_of(records),
        sha256=fingerprint(record.value for record in records),
        split=split,
        marks=mark_values(record.value for record in records),
    )


def fingerprint(rows: Iterable[Any]) -> str:
    """Return the SHA-256 of rows, each as one line of JSON with sorted keys, in order.

    The hub's files may be re-sharded or stored otherwise; equal rows still give an equal sum.
    """
    digest = hashlib.sha256()
    for row in rows:
        text = json.dumps(row, sort_keys=True, ensure_ascii=True, default=repr)
        digest.update(text.encode("ascii") + b"\n")
    return digest.hexdigest()


def _commit(part: Any) -> str | None:
    """Return the commit that the files came from, as the downloaded addresses tell it."""
    sums = getattr(getattr(part, "info", None), "download_checksums", None) or {}
    commits = {match.group(1) for url in sums if (match := _COMMIT.search(str(url)))}
    return commits.pop() if len(commits) == 1 else None


def explain(error: Exception, id: str, config_name: str | None, revision: str | None) -> Finding:
    """Return the finding for an exception of ``datasets.load_dataset``.

    The libraries wrap one another's exceptions, so the whole chain of causes is looked at.
    """
    chain = _chain(error)
    kinds = {kind.__name__ for item in chain for kind in type(item).__mro__}
    words = " ".join(str(item) for item in chain)
    shown = {"id": printable(id), "problem": printable(_first_line(error), 200)}
    if "GatedRepoError" in kinds or "gated dataset" in words:
        return finding("data.hub_gated", "dataset.id", **shown)
    if "RevisionNotFoundError" in kinds or ("Revision " in words and "doesn't exist" in words):
        return finding("data.hub_revision", "dataset.revision", revision=revision, **shown)
    if "scripts are no longer supported" in words:
        return finding("data.hub_script", "dataset.id", **shown)
    if "BuilderConfig" in words or "Config name is missing" in words:
        return finding("data.hub_subset", "dataset.config_name", got=config_name, **shown)
    if kinds & {"DatasetNotFoundError", "RepositoryNotFoundError", "HFValidationError"}:
        return finding("data.hub_missing", "dataset.id", **shown)
    if _unreachable(chain, kinds):
        return finding("data.hub_offline", "dataset.id", **shown)
    return finding("data.hub_failed", "dataset.id", kind=type(error).__name__, **shown)


def _unreachable(chain: list[BaseException], kinds: set[str]) -> bool:
    from ft_runtime.compat import http_errors

    return isinstance_any(chain, http_errors()) or "OfflineModeIsEnabled" in kinds


def isinstance_any(chain: Iterable[BaseException], kinds: tuple[type[Exception], ...]) -> bool:
    """Tell whether any exception of a chain is of one of the kinds."""
    return any(isinstance(item, kinds) for item in chain)


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    item: BaseException | None = error
    while item is not None and item not in chain:
        chain.append(item)
        item = item.__cause__ or item.__context__
    return chain


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.split("\n", 1)[0] if text else type(error).__name__
