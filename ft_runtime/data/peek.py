"""The first rows of a hub dataset, without a run: ``python -m ft_runtime.data.peek``.

The server extension starts this as a process of its own, so that no data library is ever loaded
into the server. It reads a request from standard input, and writes one line of JSON. The rows come
by the library that the run itself uses, which is asked for a stream: whatever the format of the
files, no more than their beginning is fetched.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ft_runtime.data.classes import class_name, class_names
from ft_runtime.data.hub import choose, explain
from ft_runtime.data.places import listing, printable
from ft_runtime.findings import Finding, FindingsError, finding

_CHUNK = 1 << 20
_SHOWN = 200


def first_rows(
    id: str,
    config_name: str | None = None,
    revision: str | None = None,
    split: str | None = None,
    rows: int = 200,
    size: int = 2 << 20,
) -> dict[str, Any]:
    """Read the first rows of one split of a hub dataset.

    Parameters
    ----------
    id : str
        ``owner/name``.
    config_name : str, optional
        Subset.
    revision : str, optional
        Branch, tag or commit.
    split : str, optional
        By default the one that a run trains on.
    rows : int
        Most rows to read.
    size : int
        Most bytes to read, counted as JSON.

    Returns
    -------
    dict
        ``rows``; ``complete``: whether these are all; ``total``: how many there are as the dataset
        itself says, or None; ``split``, ``splits``, ``configs``; ``findings``.

    Raises
    ------
    FindingsError
        When there is no such dataset, subset or split, or it cannot be read.
    """
    import datasets

    try:
        builder = datasets.load_dataset_builder(id, config_name, revision=revision)
        if builder.name == "json":
            # By default ten times as much is fetched before the first row comes.
            builder.config.chunksize = _CHUNK
        parts = dict(builder.as_streaming_dataset())
    except Exception as error:  # whatever the library, its HTTP client and its builders may raise
        raise FindingsError([explain(error, id, config_name, revision)]) from error
    found: list[Finding] = []
    if split is not None:
        name = split
        if name not in parts:
            values = {"id": id, "got": printable(name, 80), "present": listing(parts)}
            raise FindingsError([finding("server.hub_no_split", "dataset.id", **values)])
    else:
        chosen, found = choose(parts, id)
        name = chosen[0][0]
    try:
        head, complete = _head(_rows(parts[name]), rows, size)
    except Exception as error:
        raise FindingsError([explain(error, id, config_name, revision)]) from error
    known = (builder.info.splits or {}).get(name)
    total = getattr(known, "num_examples", None)
    return {
        "rows": head,
        "complete": complete,
        "total": len(head) if complete else (total or None),
        "split": name,
        "splits": list(parts),
        "configs": list(builder.builder_configs),
        "findings": [item.to_dict() for item in found],
    }


def _rows(part: Any) -> Iterator[dict[str, Any]]:
    """Yield rows as the run has them: class numbers by their names, media not decoded."""
    part = part.decode(False) if hasattr(part, "decode") and part.features else part
    names = class_names(part)
    for row in part:
        for column, labels in names.items():
            row[column] = class_name(row[column], labels)
        yield dict(row)


def _head(source: Iterable[dict[str, Any]], rows: int, size: int) -> tuple[list[Any], bool]:
    """Return the first rows in a form fit for JSON, and whether these were all."""
    head: list[Any] = []
    for row in source:
        if len(head) == rows or size <= 0:
            return head, False
        line = json.dumps(row, default=_odd)
        size -= len(line)
        head.append(json.loads(line))
    return head, True


def _odd(value: Any) -> Any:
    """Return what JSON has no form for as a text."""
    return repr(value)[:_SHOWN]


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a request: the parameters of `first_rows`; what is wrong is a finding."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return first_rows(**request)
    except FindingsError as error:
        return {"findings": [item.to_dict() for item in error.findings]}
    except ImportError as error:
        values = {"python": sys.executable, "library": (error.name or str(error)).split(".")[0]}
        return {"findings": [finding("server.no_datasets", "dataset.id", **values).to_dict()]}


def main() -> int:
    """Answer the request on standard input."""
    told = answer(json.load(sys.stdin))
    # Whatever the libraries print goes before; the answer is the last line.
    print("\n" + json.dumps(told), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
